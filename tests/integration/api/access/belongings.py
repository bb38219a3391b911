"""Store things of each kind in each relation to one person, as they are found later."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Relation
from mailroom.access.viewer import user_subject
from mailroom.reports.spec import ReportDefinition
from mailroom.roles import Role
from mailroom.schedules.spec import ScheduleSpec, store_spec
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.artifacts import ArtifactStore
from mailroom.storage.database import new_id
from mailroom.storage.model.access import ConnectionGrant, ScheduleShare
from mailroom.storage.model.drafts import ScheduleDraft, ScheduleTemplate, TemplateShare
from mailroom.storage.model.incidents import Incident, IncidentSchedule
from mailroom.storage.model.login import WebSession
from mailroom.storage.model.recipients import Suppression
from mailroom.storage.model.schedules.lists import SavedView
from mailroom.storage.tables import Artifact, Calendar, Connection, Execution, Notification, Report, Schedule
from tests.integration.api.access.people import People, Person
from tests.support import samples

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

MINE, SHARED, TEAM, OTHER = Relation.OWN, Relation.SHARED, Relation.SAME_TEAM, Relation.OTHER_TEAM
THINGS = (MINE, SHARED, TEAM, OTHER)


@dataclass
class World:
    """A person, a teammate and a stranger; `ids` has the thing of a kind in a relation to the person."""

    api: Api
    me: Person
    mate: Person
    stranger: Person
    ids: dict[tuple[str, Relation], str] = field(default_factory=dict)

    def owner(self, relation: Relation) -> Person:
        """Return whose the thing in this relation is."""
        return {MINE: self.me, OTHER: self.stranger}.get(relation, self.mate)


async def world(people: People, role: Role) -> World:
    """Make a world around a person of this role."""
    api = people.api
    ours, theirs = await people.team("ours"), await people.team("theirs")
    me = await people.person("me", role, team=ours)
    mate = await people.person("mate", Role.CREATOR, team=ours)
    stranger = await people.person("stranger", Role.CREATOR, team=theirs)
    made = World(api, me, mate, stranger)
    made.ids |= {("team", MINE): ours, ("team", OTHER): theirs}
    made.ids |= {("user", MINE): me.id, ("user", TEAM): mate.id, ("user", OTHER): stranger.id}
    for relation, owner in ((MINE, me), (TEAM, mate), (OTHER, stranger)):
        # Not the key that the person uses: a test revokes it.
        made.ids["key", relation] = (await people.with_key(owner.id, owner.email, "read")).key_id
    async with api.database.session() as session:
        for relation, owner in ((MINE, me), (TEAM, mate), (OTHER, stranger)):
            made.ids["session", relation] = await _log_in(session, owner)
            view = SavedView(
                id=new_id(), user_id=owner.id, name=f"View {relation}", query="", created_at=datetime.now(UTC)
            )
            session.add(view)
            made.ids["view", relation] = view.id
        for relation in THINGS:
            await _belongings(session, made, relation)
    return made


async def _log_in(session: AsyncSession, person: Person) -> str:
    now = datetime.now(UTC)
    row = WebSession(id=new_id(), user_id=person.id, digest=new_id(), method="link", address="", agent="")
    row.created_at, row.last_seen_at, row.expires_at = now, now, now + timedelta(hours=1)
    session.add(row)
    return row.id


async def _belongings(session: AsyncSession, world: World, relation: Relation) -> None:
    now, owner = datetime.now(UTC), world.owner(relation)
    report_id = f"report-{relation.replace('_', '-')}"
    definition = ReportDefinition.model_validate({**copy.deepcopy(samples.REPORT), "id": report_id})
    session.add(
        Report(
            id=report_id,
            title=definition.title,
            version=definition.version,
            definition=definition.model_dump(mode="json"),
            owner_id=None if relation is SHARED else owner.id,
            created_at=now,
            updated_at=now,
        )
    )
    if relation in (SHARED, OTHER):
        name = f"connection-{relation.replace('_', '-')}"
        row = Connection(name=name, kind="folder", block_type_slug="mailroom-folder", created_at=now, updated_at=now)
        session.add(row)
        await session.flush()
        if relation is SHARED:
            session.add(ConnectionGrant(connection=name, subject=user_subject(world.me.id)))
        world.ids["connection", relation] = name
    if relation is SHARED:
        session.add(Calendar(id="office", title="Office", definition={}, created_at=now, updated_at=now))
        world.ids["calendar", relation] = "office"
        listed = Suppression(address="gone@example.com", reason="A test.", created_by=owner.email, created_at=now)
        session.add(listed)
        await session.flush()
        world.ids["suppression", relation] = listed.id
    world.ids["report", relation] = report_id
    await session.flush()
    schedule = schedule_of(owner.id, report_id="orders", name=f"Schedule {relation}")
    session.add(schedule)
    await session.flush()
    if relation is SHARED:
        session.add(ScheduleShare(schedule_id=schedule.id, subject=user_subject(world.me.id)))
    content = f"the file of {relation}".encode()
    artifact = Artifact(
        id=new_id(),
        sha256=ArtifactStore(world.api.settings.artifacts_dir).put(content),
        filename="orders.csv",
        format="csv",
        media_type="text/csv",
        size=len(content),
        created_at=now,
        expires_at=now + timedelta(days=1),
    )
    execution = Execution(
        id=new_id(),
        schedule_id=schedule.id,
        kind=ExecutionKind.RUN_NOW,
        due_at=now - timedelta(minutes=5),
        status=ExecutionState.FAILED,
        artifact_ids=[artifact.id],
        created_at=now,
        completed_at=now,
    )
    note = Notification(
        id=new_id(),
        user_id=owner.id,
        at=now,
        severity="error",
        title=f"Note {relation}",
        body="",
        schedule_id=schedule.id,
    )
    session.add_all([artifact, execution, note])
    await _unfinished(session, world, relation, schedule)
    await _incident(session, world, relation, schedule)
    world.ids |= {
        ("schedule", relation): schedule.id,
        ("execution", relation): execution.id,
        ("artifact", relation): artifact.id,
        ("notification", relation): note.id,
    }


async def _unfinished(session: AsyncSession, world: World, relation: Relation, schedule: Schedule) -> None:
    """Store a template, and a draft that its owner has activated already; nobody shares drafts."""
    owner, now = world.owner(relation), schedule.created_at
    template = ScheduleTemplate(user_id=owner.id, title=f"Template {relation}", body={}, created_at=now, updated_at=now)
    session.add(template)
    await session.flush()
    world.ids["template", relation] = template.id
    if relation is SHARED:
        session.add(TemplateShare(template_id=template.id, subject=user_subject(world.me.id)))
        return
    name = {"value": {"name": f"Draft {relation}"}, "version": 1, "at": now.isoformat(), "by": owner.email}
    draft = ScheduleDraft(user_id=owner.id, parts={"name": name}, created_at=now, updated_at=now)
    draft.activated_as = schedule.id if relation is MINE else None
    session.add(draft)
    await session.flush()
    world.ids["draft", relation] = draft.id


async def _incident(session: AsyncSession, world: World, relation: Relation, schedule: Schedule) -> None:
    """Store an incident about a schedule; what is shared is a stranger's, since a team-mate's is the team's as well."""
    owner, now = world.stranger if relation is SHARED else world.owner(relation), schedule.created_at
    incident = Incident(kind="credential_ending", subject=f"secret {relation}", severity="error", level="owner")
    incident.owner_id, incident.opened_at, incident.last_seen_at = owner.id, now, now
    session.add(incident)
    await session.flush()
    session.add(IncidentSchedule(incident_id=incident.id, schedule_id=schedule.id))
    world.ids["incident", relation] = incident.id


def schedule_of(owner_id: str, *, report_id: str, name: str, connection: str = "shared") -> Schedule:
    """Return an active daily schedule into a folder."""
    now = datetime.now(UTC)
    body: dict[str, Any] = samples.schedule_body(
        report_id=report_id,
        name=name,
        timing={"frequency": "daily", "at": "09:00", "timezone": "Europe/Berlin"},
        parameters={"region": "EMEA"},
        destinations=[{"channel": "folder", "connection": connection, "path": f"{new_id()}.{{ext}}"}],
    )
    # With a next time: the watchdog finishes a schedule that has none, however soon it looks.
    times = {"created_at": now, "updated_at": now, "next_run": now + timedelta(days=1)}
    schedule = Schedule(id=new_id(), user_id=owner_id, state=ScheduleState.ACTIVE, **times)
    store_spec(schedule, ScheduleSpec.model_validate(body))
    return schedule
