"""Read what is there of the objects that documents are about, with one statement a kind and none in a loop.

Connections are read elsewhere, see `api.actions.apply.connections`: their settings are in Prefect.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer
from mailroom.as_code import normal, repository
from mailroom.as_code.names import named
from mailroom.as_code.plan import Key, Mark, Observed, digest
from mailroom.as_code.spec import Kind
from mailroom.members.users import etag as member_etag
from mailroom.members.users import team_settings
from mailroom.reports.service import etag as report_etag
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules.calendar_changes import CalendarSettings
from mailroom.schedules.calendar_changes import etag as calendar_etag
from mailroom.schedules.service import etag as schedule_etag
from mailroom.schedules.spec import spec_data, stored_spec
from mailroom.states import ScheduleState
from mailroom.storage.model.access import Team
from mailroom.storage.tables import Calendar, Report, Schedule


async def teams(session: AsyncSession, names: Sequence[str], *, viewer: Viewer) -> dict[Key, Observed]:
    """Return the teams with these external ids."""
    rows = await repository.teams_by_name(session, names, viewer=viewer)
    marks = await repository.marks_by_entity(session, Kind.TEAM, [row.id for row in rows])
    return {(Kind.TEAM, str(row.external_id)): of_team(row, marks.get(row.id)) for row in rows}


async def calendars(session: AsyncSession, names: Sequence[str], *, viewer: Viewer) -> dict[Key, Observed]:
    """Return the calendars with these ids."""
    rows = await repository.calendars_by_id(session, names, viewer=viewer)
    marks = await repository.marks_by_entity(session, Kind.CALENDAR, [row.id for row in rows])
    return {(Kind.CALENDAR, row.id): of_calendar(row, marks.get(row.id)) for row in rows}


async def reports(session: AsyncSession, names: Sequence[str], *, viewer: Viewer) -> dict[Key, Observed]:
    """Return the reports with these ids."""
    rows = await repository.reports_by_id(session, names, viewer=viewer)
    marks = await repository.marks_by_entity(session, Kind.REPORT, [row.id for row in rows])
    return {(Kind.REPORT, row.id): of_report(row, marks.get(row.id)) for row in rows}


async def schedules(
    session: AsyncSession, bundle: str, names: Sequence[str], *, viewer: Viewer
) -> tuple[dict[Key, Observed], frozenset[Key]]:
    """Return the schedules of these names in the code: those of the bundle, else those without a mark.

    Besides, return the names that the bundle has for schedules which the viewer does not see.
    """
    marks = await repository.marks_by_name(session, bundle, Kind.SCHEDULE, names)
    rows = await repository.schedules_by_id(session, [mark.entity_id for mark in marks.values()], viewer=viewer)
    found = {
        (Kind.SCHEDULE, name): of_schedule(*rows[mark.entity_id], mark)
        for name, mark in marks.items()
        if mark.entity_id in rows
    }
    unseen = {mark.entity_id: name for name, mark in marks.items() if mark.entity_id not in rows}
    there = await repository.schedules_there(session, list(unseen))
    taken = frozenset((Kind.SCHEDULE, unseen[one]) for one in there)
    if open_names := {name for name in names if (Kind.SCHEDULE, name) not in {*found, *taken}}:
        ids = {name: key for key, name in (await _unmarked(session, viewer=viewer)).items() if name in open_names}
        free = await repository.schedules_by_id(session, list(ids.values()), viewer=viewer)
        found |= {(Kind.SCHEDULE, name): of_schedule(*free[key], None) for name, key in ids.items() if key in free}
    return found, taken


async def _unmarked(session: AsyncSession, *, viewer: Viewer) -> dict[str, str]:
    """Return the ids of the schedules that do not come from code, with the names that an export gives them."""
    rows = await repository.titles(session, viewer=viewer)
    marks = await repository.marks_by_entity(session, Kind.SCHEDULE, [row[0] for row in rows])
    names = named([(key, title) for key, title, _ in rows], {key: mark.name for key, mark in marks.items()})
    return {key: name for key, name in names.items() if key not in marks}


def of_team(row: Team, mark: Mark | None) -> Observed:
    """Return a team as it is there. Pure."""
    shape = {"name": row.name}
    return Observed(Kind.TEAM, row.id, shape, member_etag(team_settings(row)), digest(shape), mark=mark)


def of_calendar(row: Calendar, mark: Mark | None) -> Observed:
    """Return a calendar as it is there. Pure."""
    shape = normal.of_calendar(CalendarSettings.model_validate({"title": row.title, **row.definition}))
    return Observed(Kind.CALENDAR, row.id, shape, calendar_etag(row), digest(shape), mark=mark)


def of_report(row: Report, mark: Mark | None) -> Observed:
    """Return a report as it is there. Pure."""
    shape = normal.of_report(ReportDefinition.model_validate(row.definition))
    return Observed(Kind.REPORT, row.id, shape, report_etag(row), digest(shape), owner_id=row.owner_id, mark=mark)


def of_schedule(row: Schedule, owner: str, mark: Mark | None) -> Observed:
    """Return a schedule as it is there, also one that an earlier version of Mailroom took. Pure."""
    try:
        shape = normal.of_schedule(stored_spec(row))
    except ValueError:  # It is no valid schedule any more; what it was is shown as it is.
        shape = spec_data(row)
    return Observed(
        Kind.SCHEDULE,
        row.id,
        shape,
        schedule_etag(row),
        digest(shape, owner),
        owner=owner,
        owner_id=row.user_id,
        state=str(row.state),
        mark=mark,
    )


def exported(state: ScheduleState) -> bool:
    """Tell whether a schedule in this state is exported: one that has nothing left to send could not be applied."""
    return state not in (ScheduleState.FINISHED, ScheduleState.DELETED)
