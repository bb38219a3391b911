"""`mailroom backup FOLDER` and `mailroom backup check FOLDER`. They work on the databases; everything may go on."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from cli.database import prefect_database_url, who
from cli.output import out
from embedded import data_dir
from embedded.display import printable
from mailroom.settings import Settings, current

if TYPE_CHECKING:
    from mailroom.backups.check import Verdict
    from mailroom.backups.manifest import Manifest

app = App(name="backup", help="Back up both databases and the rendered files, or check.", help_format="plaintext")


@app.default
def backup(folder: Path) -> None:
    """Back up the ledger, Prefect's database and the rendered files into a new folder, while everything runs.

    Files are for their owner alone. The keys of the installation are not in it: keep them elsewhere, above all the key
    of Prefect's blocks.

    Parameters
    ----------
    folder
        A folder that does not exist yet, or is empty.
    """
    os.umask(0o077)
    made = asyncio.run(_make(current(), folder.resolve()))
    for part in made.parts:
        say(f"{part.name:>12}  {part.bytes / 1e6:,.1f} MB  {part.taken_at:%Y-%m-%d %H:%M:%S} UTC  {part.file}")
    say(f"{'files':>12}  {made.artifacts.bytes / 1e6:,.1f} MB  {made.artifacts.files:,} rendered files")
    say(f"The backup is in {folder}. `mailroom backup check {folder}` reads all of it again.")
    say("It does not hold these keys; keep them apart from it, and as safely:")
    for key in made.keys:
        say(f"  {key.name}: needed for {key.needed_for}" + ("" if key.fingerprint else " (not known here)"))
    if made.key_in_database:
        say(
            "WARNING: Prefect keeps the key of its blocks in its own database, so this backup opens its own secrets. "
            "Set PREFECT_SERVER_ENCRYPTION_KEY; docs/operations/backup.md says how."
        )


async def _make(settings: Settings, folder: Path) -> Manifest:
    from cli.operator.progress import shown
    from mailroom.backups import make
    from mailroom.backups.places import Places

    places = Places.of(settings, prefect_database_url(settings))
    with shown() as tell:
        return await make.make(places, folder, data_dir.known_keys(settings), by=who(), tell=tell)


@app.command
def check(folder: Path) -> None:
    """Read a whole backup and compare it with its manifest. The exit status is 1 if it is not what was written.

    Parameters
    ----------
    folder
        The folder of the backup.
    """
    verdict = checked(current(), folder)
    found = verdict.manifest
    say(f"Made on {found.made_at:%Y-%m-%d %H:%M:%S} UTC by Mailroom {found.mailroom} with Prefect {found.prefect}.")
    say("The backup is whole." if not verdict.faults else "The backup cannot be used as it is.")
    sys.exit(1 if verdict.faults else 0)


def checked(settings: Settings, folder: Path) -> Verdict:
    """Check a backup, and print what is wrong with it and what is to be known."""
    from cli.operator.progress import shown
    from mailroom.backups import check as checking

    with shown() as tell:
        verdict = checking.check(folder.resolve(), data_dir.known_keys(settings), tell=tell)
    for fault in verdict.faults:
        say(f"FAULT: {fault}")
    for warning in verdict.warnings:
        say(f"Warning: {warning}")
    return verdict


def say(line: str) -> None:
    """Print one line."""
    out.print(printable(line), markup=False, highlight=False, soft_wrap=True)
