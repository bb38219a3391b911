"""`mailroom restore FOLDER`: put a backup in the place of the databases. Everything must be stopped before."""

from __future__ import annotations

import asyncio
import os
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cli.database import prefect_database_url, who
from cli.operator.backup import checked, say
from embedded import data_dir
from mailroom.errors import Invalid
from mailroom.settings import Settings, current

if TYPE_CHECKING:
    from mailroom.backups.restore import Restored


def restore(
    folder: Path, *, replace_everything: bool = False, only: Literal["ledger", "prefect", "all"] = "all"
) -> None:
    """Put a backup back. Nothing is sent afterwards until a person resumes it.

    Every process of Mailroom and of Prefect must have ended. The whole backup is checked first.

    Parameters
    ----------
    folder
        The folder of the backup.
    replace_everything
        Put the backup in the place of databases that are not empty. What they hold now is lost; a file of SQLite is
        kept beside it under another name.
    only
        Only one of the databases is lost, and the other one stays as it is.
    """
    os.umask(0o077)
    settings = current()
    if settings.mode == "embedded":
        data_dir.prepare(settings)
    with data_dir.locked(settings.data_dir) if settings.mode == "embedded" else nullcontext():
        verdict = checked(settings, folder)
        if verdict.faults:
            raise Invalid.at("FOLDER", "The backup cannot be used as it is. Nothing was changed.", "Use another one.")
        done = asyncio.run(_restore(settings, folder.resolve(), replace_everything, "" if only == "all" else only))
    _tell(done, settings)


async def _restore(settings: Settings, folder: Path, replace: bool, only: str) -> Restored:
    from cli.operator.progress import shown
    from mailroom.backups import restore as restoring
    from mailroom.backups.places import Places

    places = Places.of(settings, prefect_database_url(settings, may_be_missing=True))
    with shown() as tell:
        return await restoring.restore(
            folder, places, replace=replace, only=only, by=who(), now=datetime.now(UTC), tell=tell
        )


def _tell(done: Restored, settings: Settings) -> None:
    for path in done.former:
        say(f"What was there before is in {path}.")
    if done.without_block:
        say(f"Prefect does not have the secrets of these connections; save them anew: {', '.join(done.without_block)}.")
    if done.stop is None:
        say("Prefect's database is restored. The ledger is as it was and knows every receipt, so nothing is stopped.")
    else:
        say(f"STOPPED: {done.stop.reason} Nothing leaves until you resume it.")
    say("What to do next:")
    steps = [
        "Put the keys of the installation in place, above all PREFECT_SERVER_ENCRYPTION_KEY; see the warnings above."
    ]
    if settings.mode == "embedded":
        steps.append("Start `mailroom up`.")
    else:
        steps.append("Start Prefect, run `mailroom init`, then start the API, the renderers and the workers.")
    steps.append(
        "Wait until `mailroom schedules diff` says that nothing differs: the API brings Prefect in step with the "
        "ledger by itself."
    )
    if done.checkpoints_ahead:
        steps.append('Run `mailroom audit set-aside --reason "…"`: the trail ends before its last checkpoint.')
    if done.stop is not None:
        steps.append("`mailroom resume` shows what would go, and how much of it was due before and perhaps delivered.")
        steps.append("Decide: `mailroom resume --yes --what-was-due skip`, or `… --what-was-due send`.")
    for number, step in enumerate(steps, start=1):
        say(f"  {number}. {step}")
