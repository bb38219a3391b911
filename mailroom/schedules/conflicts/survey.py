"""Read what a schedule is compared with, then ask every rule. A few queries, however many schedules there are."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import SYSTEM, Viewer
from mailroom.calendars.service import business_calendars
from mailroom.reports import repository as report_repository
from mailroom.reports.parameters import with_defaults
from mailroom.schedules.conflicts import crowded
from mailroom.schedules.conflicts import repository as stored
from mailroom.schedules.conflicts.check import Limits, Surroundings, conflicts
from mailroom.schedules.conflicts.keys import Share, keys_of
from mailroom.schedules.conflicts.load import Load, calendars_in, load
from mailroom.schedules.conflicts.parties import Party
from mailroom.schedules.conflicts.rules import LEAST_RUNS
from mailroom.schedules.conflicts.warning import ScheduleWarning
from mailroom.schedules.spec import ScheduleSpec, stored_spec
from mailroom.settings import Settings
from mailroom.storage.tables import Report, Schedule
from mailroom.timing import BusinessCalendar, Timing
from prefect_mailroom.channels.base import Destination

Timings = Mapping[str, int]
"""JSON of each timing, and how many schedules have it. With ten thousand schedules it takes 20 ms to read."""
COMPARED = 20
"""So many others that share something are compared in time; more are said to be there."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A schedule that may be incomplete and not stored, such as the content of a form."""

    timing: Timing
    name: str = ""
    report_id: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    formats: Sequence[str] = ()
    targets: Sequence[Destination] = ()
    overlap: str = "skip"
    schedule_id: str | None = None

    @classmethod
    def of(cls, spec: ScheduleSpec, schedule_id: str | None) -> Draft:
        """Return the draft of a complete schedule."""
        return cls(
            timing=spec.timing,
            name=spec.name,
            report_id=spec.report_id,
            parameters=spec.parameters,
            formats=spec.formats,
            targets=spec.targets(),
            overlap=spec.policy.overlap,
            schedule_id=schedule_id,
        )

    def keys(self) -> dict[str, Share]:
        """Return the keys that conflicts are found by; none while the report is not known."""
        return keys_of(self.report_id, self.name, self.formats, self.targets) if self.report_id else {}


async def survey(
    session: AsyncSession,
    draft: Draft,
    viewer: Viewer,
    *,
    now: dt.datetime,
    settings: Settings,
    timings: Timings | None = None,
) -> list[ScheduleWarning]:
    """Return the warnings about the schedule that the viewer may see. Nothing is stored or refused.

    Args:
        timings: those of all other active schedules, if they were read already, see `everybodys`.

    Raises:
        Invalid: its calendar does not exist.
    """
    report = await report_repository.find(session, draft.report_id, viewer=viewer) if draft.report_id else None
    schema = report.definition.get("parameters", {}) if report else {}
    parameters, keys = with_defaults(schema, draft.parameters), draft.keys()
    sharers = [
        sharer
        for sharer in await stored.sharers(session, keys, besides=draft.schedule_id)
        if _matters(sharer.keys, keys) or with_defaults(schema, sharer.parameters) == parameters
    ]
    rows = await stored.named(session, [sharer.schedule_id for sharer in sharers[:COMPARED]], viewer=viewer)
    # A minute is crowded by everybody's runs; of others' schedules nothing is told but how many run in it.
    timings = timings if timings is not None else await everybodys(session, besides=draft.schedule_id)
    named = {draft.timing.calendar} | {row.schedule_config.get("calendar") for row, _ in rows} | calendars_in(timings)
    calendars = await business_calendars(session, {name for name in named if name})
    durations = await _durations(session, draft, now)
    checks = await stored.last_checks(session, _connections(draft, report))

    def decide() -> list[ScheduleWarning]:
        mine = Party(draft.schedule_id, draft.name, draft.timing, _calendar(draft.timing, calendars), parameters, keys)
        others = [_party(row, schema, calendars, seen=seen) for row, seen in rows]
        window = crowded.span(mine, now)
        around = load(timings, calendars, *window) if window else Load({})
        limits = Limits(dt.timedelta(minutes=settings.duplicate_window_minutes), settings.crowded_minute_runs)
        surroundings = Surroundings(around, durations, max(0, len(sharers) - COMPARED), checks)
        return conflicts(mine, others, now, surroundings, limits, overlap=draft.overlap)

    # Some tens of milliseconds with ten thousand schedules: too long for the event loop.
    return await asyncio.to_thread(decide)


async def everybodys(session: AsyncSession, *, besides: str | None = None) -> Timings:
    """Return the timings of all active schedules but one. Of others' schedules only counts may be told of them."""
    return await stored.timings(session, viewer=SYSTEM, besides=besides)


async def load_between(
    session: AsyncSession, viewer: Viewer, start: dt.datetime, end: dt.datetime, *, timings: Timings | None = None
) -> Load:
    """Return the load of the active schedules that the viewer sees from `start` up to `end`.

    Args:
        timings: those that are counted, if they were read already.
    """
    timings = timings if timings is not None else await stored.timings(session, viewer=viewer)
    calendars = await business_calendars(session, calendars_in(timings))
    return await asyncio.to_thread(load, timings, calendars, start, end)


def _matters(shared: Collection[str], keys: Mapping[str, Share]) -> bool:
    """Tell whether one of the shared keys is a file. The caller checks the parameters of those who share recipients."""
    return any(keys[key].kind == "file" for key in shared)


async def _durations(session: AsyncSession, draft: Draft, now: dt.datetime) -> list[dt.timedelta]:
    """Return the durations of its own runs, or of its report's runs while it has had fewer than three."""
    own = await stored.durations_of(session, draft.schedule_id) if draft.schedule_id else []
    if len(own) >= LEAST_RUNS or draft.report_id is None:
        return own
    return await stored.durations_of_report(session, draft.report_id, since=now - dt.timedelta(days=35))


def _connections(draft: Draft, report: Report | None) -> list[str]:
    """Return the connections that the schedule uses, each once; the report's where the viewer sees the report."""
    source = report.definition.get("source", {}).get("connection") if report else None
    sends = [name for target in draft.targets for name in target.connections()]
    return list(dict.fromkeys([*sends, *([source] if source else [])]))


def _calendar(timing: Timing, calendars: Mapping[str, BusinessCalendar]) -> BusinessCalendar:
    return calendars.get(timing.calendar or "", BusinessCalendar())


def _party(row: Schedule, schema: Mapping[str, Any], calendars: Mapping[str, BusinessCalendar], *, seen: bool) -> Party:
    spec = stored_spec(row)
    return Party(
        schedule_id=row.id,
        name=row.name if seen else None,
        timing=spec.timing,
        business=_calendar(spec.timing, calendars),
        parameters=with_defaults(schema, spec.parameters),
        keys=Draft.of(spec, row.id).keys(),
    )
