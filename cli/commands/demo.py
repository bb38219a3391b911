"""`mailroom demo`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from rich.text import Text

from cli.commands.samples import add_samples
from cli.commands.up import show_addresses
from cli.demo.people import links_of_people
from cli.demo.plan import PREFIX
from cli.demo.proof import Proof
from cli.demo.receiver import receiving
from cli.demo.story import tell
from cli.output import err, out, print_table
from cli.rest_client import MailroomClient
from embedded.display import Display
from embedded.ports import with_free_ports
from embedded.processes.interrupts import run_until_stopped
from embedded.system import running
from mailroom.settings import CHECKOUT, Settings, current


def demo(*, once: bool = False) -> None:
    """Start everything, deliver three real reports, check what arrived, and print the proof.

    The data is kept in MAILROOM_DATA_DIR (default .mailroom/demo). If a port is in use, a free one is used instead.

    Parameters
    ----------
    once
        Stop after the proof. The exit status is 0 if it is complete, else 1.
    """
    settings = current()
    if "MAILROOM_DATA_DIR" not in os.environ:
        settings = settings.model_copy(update={"data_dir": CHECKOUT / ".mailroom" / "demo"})
    # A slot for each of the three, so that the one due by cron does not wait for the others.
    settings = settings.model_copy(update={"worker_limit": max(3, settings.worker_slots)})
    settings, changes = with_free_ports(settings)
    for change in changes:
        out.print(change, highlight=False)

    async def main(hurry: asyncio.Event) -> int:
        display = Display(out)
        with receiving(settings.host) as receiver:
            async with running(settings, display, hurry=hurry):
                await asyncio.to_thread(show_people, settings)
                with display.starting("sample data"):
                    await add_samples(settings)
                with display.starting("proof"):
                    proofs = await tell(settings, receiver, lambda line: display.line("demo", line))
                complete = show(proofs, settings)
                show_addresses(settings)
                if not once:
                    out.print("Press Ctrl-C to stop everything.")
                    await asyncio.get_running_loop().create_future()
        return 0 if complete else 1

    sys.exit(run_until_stopped(main))


def show_people(settings: Settings) -> None:
    """Print where the pages are, and a one-time link for each of the people of the demo."""
    with MailroomClient(settings) as client:
        found = links_of_people(client)
    out.print(f"The pages are at {settings.public_url}/", highlight=False, soft_wrap=True)
    out.print(
        f"Open them with one of these links, each once and within {settings.link_minutes} minutes:", highlight=False
    )
    for role, link in found.items():
        out.print(f"{role:>16}  {link}", highlight=False, markup=False, soft_wrap=True)


def show(proofs: Sequence[Proof], settings: Settings) -> bool:
    """Print the table and anything that is missing; return whether the proof is complete."""
    rows: list[tuple[str | Text, ...]] = []
    shown = ""
    for proof in proofs:
        rows.append(
            (
                "" if proof.schedule == shown else proof.schedule.removeprefix(PREFIX),
                f"{proof.due:%H:%M:%S}",
                f"{proof.delivered:%H:%M:%S}" if proof.delivered else "-",
                f"{proof.lateness:.1f} s" if proof.lateness is not None else "-",
                proof.where,
                f"{proof.size:,}" if proof.size else "-",
                Text(proof.fault, style="red") if proof.fault else proof.sha256[:12],
            )
        )
        shown = proof.schedule
    columns = ["schedule", "due (UTC)", "delivered", "lateness", "where", "bytes", "SHA-256"]
    print_table("Delivered, and read back where it arrived", columns, rows)
    missing = [proof for proof in proofs if proof.fault]
    for proof in missing:
        err.print(
            f"Missing: {proof.schedule}: {proof.where}: {proof.fault}.", style="red", markup=False, soft_wrap=True
        )
    if missing:
        logs = settings.data_dir / "logs"
        err.print(f"See {logs / 'worker.log'} and {logs / 'api.log'}.", highlight=False, soft_wrap=True)
    return not missing
