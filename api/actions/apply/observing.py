"""Gather what is there of the objects that documents are about, and what they refer to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from api.actions.apply import connections as stored_connections
from api.actions.caller import Caller
from mailroom.access.permissions import Action, Relation
from mailroom.as_code import observed, repository
from mailroom.as_code.plan import Key, Observed, references
from mailroom.as_code.reading import Read
from mailroom.as_code.secrets.given import Resolved
from mailroom.as_code.spec import ApplyRequest, Kind, ScheduleDocument
from mailroom.errors import Unavailable
from mailroom.storage.tables import User


@dataclass(frozen=True, slots=True)
class Seen:
    """Hold what is there.

    Attributes:
        taken: names of schedules in the bundle that belong to somebody whose schedules the caller does not see.
        known: what documents refer to, as far as it is there.
        owners: the users that documents name as owners.
        resolved: what REST takes for each connection.
        half_made: connections whose name is taken and whose block was never made, because its process died or is
            still at it. They count as not there.
        trouble: why connections could not be read.
    """

    observed: Mapping[Key, Observed]
    taken: frozenset[Key] = frozenset()
    known: set[Key] = field(default_factory=set)
    owners: Mapping[str, User] = field(default_factory=dict)
    resolved: Mapping[str, Resolved] = field(default_factory=dict)
    half_made: frozenset[str] = frozenset()
    trouble: Unavailable | None = None


async def look(caller: Caller, documents: Sequence[Read], wanted: ApplyRequest) -> Seen:
    """Return what is there. Statements do not grow with the documents; Prefect is asked for each connection."""
    names: dict[Kind, list[str]] = {kind: [] for kind in Kind}
    usable = [one for one in documents if one.document is not None]
    for one in usable:
        names[one.key[0]].append(one.name)
    viewer = caller.viewer
    found: dict[Key, Observed] = {}
    taken: frozenset[Key] = frozenset()
    referred = {key for one in usable for key in references(one).values()}
    asked = {one.document.owner for one in usable if isinstance(one.document, ScheduleDocument)} - {None}
    reads_settings = viewer.may(Action.CONNECTION_READ, Relation.SHARED)
    async with caller.session() as session:
        if names[Kind.TEAM]:
            found |= await observed.teams(session, names[Kind.TEAM], viewer=viewer)
        if names[Kind.CALENDAR]:
            found |= await observed.calendars(session, names[Kind.CALENDAR], viewer=viewer)
        if names[Kind.REPORT]:
            found |= await observed.reports(session, names[Kind.REPORT], viewer=viewer)
        if names[Kind.SCHEDULE]:
            schedules, taken = await observed.schedules(session, wanted.bundle, names[Kind.SCHEDULE], viewer=viewer)
            found |= schedules
        known = await repository.known(session, referred, viewer=viewer)
        owners = await repository.users_by_reference(session, {one for one in asked if one}, viewer=viewer)
        listed = names[Kind.CONNECTION] if reads_settings else []
        rows = await repository.connections_by_name(session, listed, viewer=viewer) if listed else []
        made = [row for row in rows if row.is_made]
        marks = await repository.marks_by_entity(session, Kind.CONNECTION, [row.name for row in made])
    known |= {(kind, name) for kind, kept in wanted.keep.items() for name in kept}
    documents_of = {one.name: one for one in usable if one.kind is Kind.CONNECTION}
    try:
        there = await stored_connections.stored(made, caller.context.settings)
    except Unavailable as error:
        return Seen(found, taken, known, owners, trouble=error)
    connections, resolved = stored_connections.observe(there, marks, documents_of, wanted.secrets)
    half_made = frozenset(row.name for row in rows if not row.is_made)
    return Seen(found | connections, taken, known, owners, resolved, half_made)
