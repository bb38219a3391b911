"""Write what is there as documents: a page of a kind, or one object."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.apply import connections as stored_connections
from api.actions.apply.views import ExportedDocument
from api.actions.caller import Caller
from api.actions.view import PageView
from mailroom.access.permissions import Action, Relation
from mailroom.as_code import normal, observed, repository, text
from mailroom.as_code.names import named
from mailroom.as_code.plan import Observed
from mailroom.as_code.spec import Kind
from mailroom.connections import repository as connection_repository
from mailroom.errors import NotFound
from mailroom.storage.tables import Connection


async def page(
    caller: Caller, kind: Kind, *, bundle: str | None, cursor: str | None, limit: int
) -> PageView[ExportedDocument]:
    """Return a page of the objects of a kind that the caller may read in full, by their names in the code.

    Left out are schedules that have nothing left to send, sample data, teams without an external id and, for whoever
    may not read their settings, connections. Schedules are the caller's own; an admin exports all.

    Args:
        bundle: export only what was applied from this bundle.
    """
    found = await _of_kind(caller, kind, after=cursor or "", limit=limit, bundle=bundle)
    items = found[:limit]
    following = items[-1].name if len(found) > limit else None
    return PageView(items=items, next_cursor=following)


async def one(caller: Caller, kind: Kind, entity_id: str) -> ExportedDocument:
    """Return one object as a document.

    Raises:
        NotFound, Forbidden, Unavailable.
    """
    if kind is Kind.CONNECTION:
        async with caller.session() as session:
            row = await connection_repository.get(
                session, entity_id, viewer=caller.viewer, doing=Action.CONNECTION_READ
            )
        return (await _connections(caller, [row]))[0]
    async with caller.session() as session:
        found = await _one_row(session, caller, kind, entity_id)
    if found is None:
        raise NotFound(f"There is no {kind} '{entity_id[:60]}'.", remedy="Look at the list of what there is.")
    return _document(*found)


async def _one_row(session: AsyncSession, caller: Caller, kind: Kind, entity_id: str) -> tuple[str, Observed] | None:
    viewer = caller.viewer
    if kind is Kind.SCHEDULE:
        rows = await repository.schedules_by_id(session, [entity_id], viewer=viewer)
        names = await _names(session, caller)
        for key, (row, owner) in rows.items():
            # Another's schedule, which is shared, has no name of its own in the caller's export.
            name = names.get(key) or named([(key, row.name)], {})[key]
            return name, observed.of_schedule(row, owner, None)
    if kind is Kind.REPORT:
        for report in await repository.reports_by_id(session, [entity_id], viewer=viewer):
            return report.id, observed.of_report(report, None)
    return None


async def _names(session: AsyncSession, caller: Caller) -> dict[str, str]:
    rows = await repository.titles(session, viewer=caller.viewer)
    marks = await repository.marks_by_entity(session, Kind.SCHEDULE, [row[0] for row in rows])
    return named([(key, title) for key, title, _ in rows], {key: mark.name for key, mark in marks.items()})


async def _of_kind(caller: Caller, kind: Kind, *, after: str, limit: int, bundle: str | None) -> list[ExportedDocument]:
    viewer = caller.viewer
    async with caller.session() as session:
        only = None
        if bundle is not None:
            marks = await repository.marks_of_bundle(session, bundle, viewer=viewer)
            only = {mark.entity_id for mark in marks if mark.kind is kind}
        if kind is Kind.SCHEDULE:
            return await _schedules(session, caller, after=after, limit=limit, only=only)
        if kind is Kind.CONNECTION:
            rows: Sequence[Connection] = []
            if viewer.may(Action.CONNECTION_READ, Relation.SHARED):
                rows = await repository.connections_by_name(session, None, viewer=viewer)
            chosen = [row for row in rows if row.name > after and (only is None or row.name in only)][: limit + 1]
        else:
            found = await _rows(session, caller, kind)
            named_rows = [one for one in found if one[0] > after and (only is None or one[1].entity_id in only)]
            return [_document(*one) for one in named_rows[: limit + 1]]
    return await _connections(caller, chosen)


async def _rows(session: AsyncSession, caller: Caller, kind: Kind) -> list[tuple[str, Observed]]:
    viewer = caller.viewer
    if kind is Kind.TEAM:
        teams = await repository.teams_by_name(session, None, viewer=viewer)
        return [(str(row.external_id), observed.of_team(row, None)) for row in teams]
    if kind is Kind.CALENDAR:
        calendars = await repository.calendars_by_id(session, None, viewer=viewer)
        return [(row.id, observed.of_calendar(row, None)) for row in calendars]
    reports = await repository.reports_by_id(session, None, viewer=viewer)
    return [(row.id, observed.of_report(row, None)) for row in reports]


async def _schedules(
    session: AsyncSession, caller: Caller, *, after: str, limit: int, only: set[str] | None
) -> list[ExportedDocument]:
    titles = await repository.titles(session, viewer=caller.viewer)
    names = await _names(session, caller)
    wanted = sorted(
        (names[key], key)
        for key, _, state in titles
        if observed.exported(state) and names[key] > after and (only is None or key in only)
    )[: limit + 1]
    rows = await repository.schedules_by_id(session, [key for _, key in wanted], viewer=caller.viewer)

    def written() -> list[ExportedDocument]:
        return [_document(name, observed.of_schedule(*rows[key], None)) for name, key in wanted if key in rows]

    # A tenth of a millisecond each: too long for an event loop that others share.
    return await asyncio.to_thread(written)


async def _connections(caller: Caller, rows: Sequence[Connection]) -> list[ExportedDocument]:
    async with caller.session() as session:
        marks = await repository.marks_by_entity(session, Kind.CONNECTION, [row.name for row in rows])
    found = await stored_connections.stored(rows, caller.context.settings)
    return [
        _exported(Kind.CONNECTION, one.row.name, stored_connections.shape_of(one, marks.get(one.row.name)))
        for one in found
    ]


def _document(name: str, there: Observed) -> ExportedDocument:
    state = "paused" if there.state == "paused" else None
    return _exported(there.kind, name, there.normal, owner=there.owner, state=state)


def _exported(
    kind: Kind, name: str, spec: normal.Normal, *, owner: str | None = None, state: str | None = None
) -> ExportedDocument:
    document = text.document(kind, name, spec, owner=owner, state=state)
    return ExportedDocument(kind=kind, name=name, path=text.path_of(kind, name), document=document)
