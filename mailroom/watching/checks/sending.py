"""Check whether something is stopped. Why it is, is for those who may ask. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from mailroom.stops.spec import StopCause, StopScope
from mailroom.storage.stop_tables import Stop
from mailroom.watching.checks.spec import Check, CheckName, State


def judge(stops: Sequence[Stop]) -> Check:
    """Return what is stopped. A stop is a person's wish or a safeguard, and no fault of a process."""
    if not stops:
        return Check(CheckName.SENDING, State.OK, "Nothing is stopped.")
    since = min(stop.stopped_at for stop in stops)
    remedy = "`mailroom stops` says why; `mailroom resume` lets it go on."
    if any(stop.scope == StopScope.ALL for stop in stops):
        restored = any(stop.cause == StopCause.RESTORED for stop in stops)
        reading = any(stop.cause == StopCause.READ_ONLY for stop in stops)
        why = ", since the database was restored from a backup" if restored else ""
        why += ", since Mailroom is read-only" if reading else ""
        message = f"everything is stopped{why}"
        if reading:
            remedy = f"{remedy} `mailroom read-only off` ends the reading only."
        return Check(CheckName.SENDING, State.WARNING, message, remedy, since)
    return Check(CheckName.SENDING, State.WARNING, f"{len(stops)} parts are stopped", remedy, since)
