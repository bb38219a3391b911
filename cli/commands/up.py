"""`mailroom up`."""

from __future__ import annotations

import asyncio
import sys

from cli.commands.members.users import make_link
from cli.output import out
from cli.rest_client import MailroomClient
from embedded.display import Display
from embedded.processes.interrupts import run_until_stopped
from embedded.system import Addresses, running
from mailroom.settings import Settings, current
from prefect_mailroom.errors import MailroomError


def up() -> None:
    """Run Prefect, the API, a worker, renderers and a mail catcher on this machine until you press Ctrl-C.

    All data is kept in MAILROOM_DATA_DIR (default .mailroom). A second Ctrl-C stops everything at once.
    """
    settings = current()

    async def main(hurry: asyncio.Event) -> int:
        async with running(settings, Display(out), hurry=hurry):
            show_addresses(settings)
            await asyncio.to_thread(show_log_in, settings)
            out.print("Press Ctrl-C to stop everything.")
            await asyncio.get_running_loop().create_future()
        return 0

    status = run_until_stopped(main)
    out.print("Everything has stopped.")
    sys.exit(status)


def show_log_in(settings: Settings) -> None:
    """Print a one-time link for the first admin. Without one everything runs all the same."""
    try:
        with MailroomClient(settings) as client:
            made = make_link(client, settings.owner_email)
        line = f"{made['link']} (once, within {settings.link_minutes} minutes)"
    except MailroomError as error:
        line = f"{error.message} `mailroom users link {settings.owner_email}` makes a link."
    out.print(f"{'Log in':>16}  {line}", highlight=False, markup=False, soft_wrap=True)


def show_addresses(settings: Settings) -> None:
    """Print the addresses of the pages."""
    found = Addresses.of(settings)
    lines = {
        "Pages": f"{settings.public_url}/schedules",
        "API docs": f"{found.api}/docs",
        "Prefect UI": found.prefect,
        "Mail catcher": found.mail,
        "Delivered files": str(settings.data_dir / "delivered"),
        "API key": f"in {settings.data_dir / 'api-key'}" if not settings.api_key else "as set in MAILROOM_API_KEY",
        "Logs": str(settings.data_dir / "logs"),
    }
    for name, value in lines.items():
        out.print(f"{name:>16}  {value}", highlight=False, soft_wrap=True)
