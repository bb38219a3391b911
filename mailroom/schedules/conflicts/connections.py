"""Warn about connections that nobody knows to work. Pure: how their last checks ended is passed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailroom.schedules.conflicts.warning import Code, ScheduleWarning


@dataclass(frozen=True, slots=True)
class LastCheck:
    """Say how the last check of a connection ended; `at` is None where it was not checked with its present settings."""

    connection: str
    at: datetime | None
    ok: bool | None


def unproven(checks: Sequence[LastCheck]) -> list[ScheduleWarning]:
    """Return a warning for each connection that was not checked, or whose last check failed.

    What the check said stays out of it: who sees a schedule need not see its connections.
    """
    return [found for check in checks if (found := _warning(check)) is not None]


def _warning(check: LastCheck) -> ScheduleWarning | None:
    if check.at is None:
        message = (
            f"The connection '{check.connection}' has never been checked with its present settings. Check it, so that "
            "a wrong setting shows before the first run."
        )
        data = {"connection": check.connection, "last_check_at": None}
        return ScheduleWarning(Code.CONNECTION_UNCHECKED, message, data)
    if check.ok:
        return None
    message = (
        f"The last check of the connection '{check.connection}' failed. Check it again, and correct it or choose "
        "another one if it still fails."
    )
    data = {"connection": check.connection, "last_check_at": check.at.isoformat()}
    return ScheduleWarning(Code.CONNECTION_CHECK_FAILED, message, data)
