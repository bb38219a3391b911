"""`mailroom stop`, `mailroom resume`, `mailroom stops`: they work on the database itself; no process has to run.

An operator needs them most before anything is started, such as after a backup was restored.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from cli.database import our_database, who
from cli.output import out, print_table
from embedded.display import printable
from mailroom.access.viewer import SYSTEM
from mailroom.errors import Invalid
from mailroom.settings import current
from mailroom.stops.spec import Place, ResumeRequest, StopCause, StopRequest, StopScope, WhatWasDue, words_of

if TYPE_CHECKING:
    from mailroom.releases.preview import Part
    from mailroom.releases.service import Resumption
    from mailroom.storage.database import Database
    from mailroom.storage.stop_tables import Stop

T = TypeVar("T")


def stop(*, reason: str, connection: str = "", report: str = "", schedule: str = "") -> None:
    """Stop everything from leaving, or only what goes through a connection, of a report or of a schedule.

    What is due meanwhile waits, and goes on after `mailroom resume`. The API need not run.

    Parameters
    ----------
    reason
        Why; everyone who waits reads it.
    connection
        Stop only what goes through this connection.
    report
        Stop only this report, by its id.
    schedule
        Stop only this schedule, by its id.
    """
    from mailroom.releases import service

    wanted = _read(StopRequest, **_place(connection, report, schedule), reason=reason)

    async def act(database: Database) -> tuple[Stop, bool]:
        return await database.transact(
            lambda session: service.stop(session, wanted, viewer=SYSTEM, by=who(), now=database.now())
        )

    found, is_new = _with_database(act)
    said = "Stopped" if is_new else "Already stopped"
    _say(f"{said}: {words_of(found.scope, found.target)}, since {_moment(found.stopped_at)} by {found.stopped_by}.")


def resume(
    *,
    connection: str = "",
    report: str = "",
    schedule: str = "",
    yes: bool = False,
    what_was_due: WhatWasDue | None = None,
) -> None:
    """Show what would go if a stop were lifted; with `--yes`, lift it.

    Parameters
    ----------
    connection
        Resume what goes through this connection.
    report
        Resume this report.
    schedule
        Resume this schedule.
    yes
        Lift the stop. Without it, nothing is changed.
    what_was_due
        After a database was restored: `send` what was due between the backup and the restoration, or `skip` it.
    """
    from mailroom.releases import service

    place = _place(connection, report, schedule)
    wanted = _read(ResumeRequest, **place, dry_run=not yes, what_was_due=what_was_due)

    async def act(database: Database) -> Resumption:
        return await service.resume(database, wanted, viewer=SYSTEM, by=who(), now=database.now())

    found = _with_database(act)
    shown = found.preview
    for name, part in (("would go", shown.would_go), ("too late", shown.too_late)):
        _show("goes on" if yes and part is shown.would_go else name, part)
    if any(one.cause == StopCause.RESTORED for one in found.lifted):
        _show("of it due before the restoration, perhaps delivered", shown.due_before_restoration)
    if not shown.complete:
        _say("There is more; only the first 10,000 executions were counted.")
    for one in found.still_standing:
        _say(f"Still stopped: {words_of(one.scope, one.target)}: {one.reason}")
    _say("Resumed." if yes else "Nothing was changed. Add --yes to resume.")


def stops() -> None:
    """List what is stopped now. The exit status is 1 if something is."""
    from mailroom.stops import repository

    async def act(database: Database) -> list[Stop]:
        async with database.session() as session:
            return list(await repository.list_standing(session, viewer=SYSTEM))

    found = _with_database(act)
    rows = [
        (words_of(one.scope, one.target), one.cause, _moment(one.stopped_at), one.stopped_by, one.reason)
        for one in found
    ]
    print_table(f"{len(rows)} stops", ["what", "cause", "since", "by", "reason"], rows)
    sys.exit(1 if found else 0)


def _place(connection: str, report: str, schedule: str) -> dict[str, Any]:
    given = {StopScope.CONNECTION: connection, StopScope.REPORT: report, StopScope.SCHEDULE: schedule}
    named = [(scope, target) for scope, target in given.items() if target]
    if len(named) > 1:
        raise Invalid.at("--connection, --report, --schedule", "Only one of them can be given.", "Repeat the command.")
    scope, target = named[0] if named else (StopScope.ALL, "")
    return {"scope": scope, "target": target}


P = TypeVar("P", bound=Place)


def _read(model: type[P], **values: Any) -> P:
    from pydantic import ValidationError

    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise Invalid.from_validation(error, model=model) from error


def _with_database(act: Callable[[Database], Awaitable[T]]) -> T:
    async def run() -> T:
        database = await our_database(current())
        try:
            return await act(database)
        finally:
            await database.close()

    return asyncio.run(run())


def _moment(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _say(line: str) -> None:
    out.print(printable(line), markup=False, highlight=False, soft_wrap=True)


def _show(title: str, part: Part) -> None:
    from mailroom.releases.preview import FIRST

    _say(f"{title}: {part.executions} executions, {part.deliveries} deliveries")
    for (schedule_id, name), count in part.by_schedule.most_common(FIRST):
        _say(f"  {count} of {name} ({schedule_id})")
    for recipient, count in part.by_recipient.most_common(FIRST):
        _say(f"  {count} to {recipient}")
