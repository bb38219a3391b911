"""`mailroom upgrade`."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.text import Text

from cli.commands.doctor import STYLES
from cli.operator.backup import say
from cli.output import print_table
from embedded.bootstrap import use_our_prefect
from mailroom.settings import Settings, current

if TYPE_CHECKING:
    from cli.operator.upgrade.look import Outlook

PENDING = 3
"""The exit status of --check where there is something to do, and nothing is in the way."""


def upgrade(*, only_check: Annotated[bool, Parameter(name="--check")] = False, without_backup: bool = False) -> None:
    """Check whether this version can take over, and bring the tables to it.

    Exit status: 0 when the tables are up to date (afterwards), 1 when something is in the way, 2 when the set-up is
    wrong; with --check also 3 when there is something to do and nothing is in the way.

    Parameters
    ----------
    only_check
        Change nothing.
    without_backup
        Go on although there is no backup of the last 24 hours, and so no way back.
    """
    settings = current()
    use_our_prefect(settings)
    sys.exit(asyncio.run(_upgrade(settings, only_check=only_check, without_backup=without_backup)))


async def _upgrade(settings: Settings, *, only_check: bool, without_backup: bool) -> int:
    from cli.operator.upgrade.checks import may_go
    from cli.operator.upgrade.look import look

    found = await look(settings, without_backup=without_backup, now=datetime.now(UTC))
    rows = [(one.check, Text(one.level, style=STYLES[one.level]), one.message, one.remedy) for one in found.findings]
    print_table("Before the upgrade", ["what", "state", "found", "remedy"], rows)
    for step in found.steps:
        say(f"  {step.version}  {step.words.splitlines()[0] if step.words else ''}")
    if not may_go(found.findings):
        say("Nothing was changed. Mend what is a problem above, and repeat the command.")
        return 1
    if not found.steps:
        say("The tables are up to date.")
        return 0
    if only_check:
        say(f"{len(found.steps)} steps would be done. Nothing was changed.")
        return PENDING
    await _migrate(settings)
    say(f"Done: {len(found.steps)} steps. Start the API, the renderers and the workers of this version now.")
    _tell_way_back(found)
    return 0


async def _migrate(settings: Settings) -> None:
    """Bring the tables forward under a lock: of two that are started at once, the second finds nothing to do."""
    from embedded.data_dir import prepare
    from mailroom.storage import migrations
    from mailroom.storage.database import Database

    prepare(settings)
    database = Database(settings.database)
    try:
        await migrations.upgrade(database)
    finally:
        await database.close()


def _tell_way_back(found: Outlook) -> None:
    if found.is_first:
        return
    say("The way back: tables only go forward, so it leads through the backup of before.")
    folder = found.last_backup.folder if found.last_backup else "FOLDER"
    say(f"  1. End every process. 2. Install the version before. 3. mailroom restore {folder} --replace-everything")
    say("What was sent since that backup is then unknown: nothing leaves until a person decides by `mailroom resume`.")
