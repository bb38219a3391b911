"""`mailroom up`."""

from __future__ import annotations

import asyncio
import sys

from cli.output import out
from embedded.display import Display
from embedded.processes.interrupts import run_until_stopped
from embedded.system import Addresses, running
from mailroom.settings import Settings, current


def up() -> None:
    """Run Prefect, the API, a worker, renderers and a mail catcher on this machine until you press Ctrl-C.

    All data is kept in MAILROOM_DATA_DIR (default .mailroom). A second Ctrl-C stops everything at once.
    """
    settings = current()

    async def main(hurry: asyncio.Event) -> int:
        async with running(settings, Display(out), hurry=hurry):
            show_addresses(settings)
            out.print("Press Ctrl-C to stop everything.")
            await asyncio.get_running_loop().create_future()
        return 0

    status = run_until_stopped(main)
    out.print("Everything has stopped.")
    sys.exit(status)


def show_addresses(settings: Settings) -> None:
    """Print the addresses of the pages."""
    found = Addresses.of(settings)
    lines = {
        "API docs": f"{found.api}/docs",
        "Prefect UI": found.prefect,
        "Mail catcher": found.mail,
        "Delivered files": str(settings.data_dir / "delivered"),
        "API key": f"in {settings.data_dir / 'api-key'}" if not settings.api_key else "as set in MAILROOM_API_KEY",
        "Logs": str(settings.data_dir / "logs"),
    }
    for name, value in lines.items():
        out.print(f"{name:>16}  {value}", highlight=False, soft_wrap=True)
