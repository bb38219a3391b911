"""Warn of two schedules that write the same file. Pure.

The rule: same connection, and the same path once report, schedule name and format are filled in. A path with a
parameter is the same where the parameter has the same value; one with {report_name}, {file_name} or {window_…} where
the report is the same, for {window_…} with the same parameters. A path with the due time is the same where both are due
at times that it spells alike. Two destinations that both keep the old file (`if_exists: timestamp`) lose nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from string import Formatter

from mailroom.schedules.conflicts.keys import DUE_VARIABLES, Share
from mailroom.schedules.conflicts.parties import Party, spoken
from mailroom.schedules.conflicts.warning import Code, ScheduleWarning
from prefect_mailroom.text.variables import PARAMETER_PREFIX

_DEFAULTS = {"date": "%Y-%m-%d", "time": "%H:%M", "due": "%Y-%m-%d %H:%M"}


def same_file(mine: Party, other: Party, now: dt.datetime) -> list[ScheduleWarning]:
    """Return one warning for each path that both write."""
    found = []
    for share, theirs in mine.shared_with(other, "file"):
        if share.if_exists == theirs.if_exists == "timestamp" or not _same_values(share, mine, other):
            continue
        example = _meeting(share, mine, other, now)
        if example is not None:
            found.append(_warning(share, theirs, mine, other, example))
    return found


def _warning(share: Share, theirs: Share, mine: Party, other: Party, example: dt.datetime) -> ScheduleWarning:
    refused = "fail" in (share.if_exists, theirs.if_exists)
    becomes = "the second delivery is refused" if refused else "one file replaces the other"
    message = (
        f"{other.called()} writes the same file: '{share.label}' on the connection '{share.connection}', first at "
        f"{spoken(example, mine.timing)}; {becomes}. Put {{schedule_name}} or {{execution_id}} into the path, or "
        "set if_exists to timestamp in both schedules."
    )
    return ScheduleWarning(
        Code.SAME_FILE,
        message,
        {
            "schedule": other.reference(),
            "connection": share.connection,
            "path": share.label,
            "if_exists": [share.if_exists, theirs.if_exists],
            "at": example.isoformat(),
        },
    )


def _same_values(share: Share, mine: Party, other: Party) -> bool:
    """Tell whether the parameters that the path shows are the same."""
    if share.variables & {"window_from", "window_to"}:
        return mine.parameters == other.parameters
    names = [used.removeprefix(PARAMETER_PREFIX) for used in share.variables if used.startswith(PARAMETER_PREFIX)]
    return all(mine.parameters.get(name) == other.parameters.get(name) for name in names)


def _meeting(share: Share, mine: Party, other: Party, now: dt.datetime) -> dt.datetime | None:
    """Return my first due time whose path is also one of theirs, or None."""
    if not share.variables & DUE_VARIABLES:
        return mine.first_due(now) if other.first_due(now) else None
    formats = [
        _DEFAULTS.get(used, "%Y-%m-%d") if not spec or used not in _DEFAULTS else spec
        for _, used, spec, _ in Formatter().parse(share.label)
        if used in DUE_VARIABLES
    ]
    here = {text: moment for moment, text in reversed(list(_texts(formats, mine, now)))}
    return next((here[text] for _, text in _texts(formats, other, now) if text in here), None)


def _texts(formats: list[str], party: Party, now: dt.datetime) -> Iterator[tuple[dt.datetime, str]]:
    """Yield each due time with the values of the path's variables then; a data window moves with the day."""
    pattern = "\n".join(formats)  # A NUL would end it.
    for moment in party.due(now):
        yield moment, moment.astimezone(party.timing.zone).strftime(pattern)
