"""Let people look at an incident, take note of it, and mute it for a while. The audit trail tells of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action, Relation
from mailroom.access.viewer import Viewer
from mailroom.audit import repository as audit
from mailroom.audit.incident_events import IncidentAcknowledged, IncidentMuted, IncidentUnmuted
from mailroom.context import Context
from mailroom.errors import Invalid, NotFound
from mailroom.incidents import lifecycle
from mailroom.incidents import repository as stored
from mailroom.storage.model.upkeep.incidents import Incident

LONGEST_MUTE = timedelta(days=30)


async def get(
    session: AsyncSession, incident_id: str, *, viewer: Viewer, doing: Action = Action.INCIDENT_READ
) -> Incident:
    """Return an incident.

    Raises:
        NotFound: there is none, for this viewer.
        Forbidden: the viewer may see it and not do this.
    """
    found = await stored.find(session, incident_id, viewer=viewer)
    if found is None:
        raise NotFound("There is no such incident.", remedy="GET /api/v1/incidents lists them.", code="no_incident")
    viewer.require(doing, await relation(session, found, viewer))
    return found


async def relation(session: AsyncSession, incident: Incident, viewer: Viewer) -> Relation:
    """Return the relation of a viewer to an incident that the viewer was shown."""
    if incident.owner_id == viewer.user_id:
        return Relation.OWN
    if viewer.team and await stored.is_of_team(session, incident, viewer.team):
        return Relation.SAME_TEAM
    return Relation.OTHER_TEAM if viewer.sees_all else Relation.SHARED


async def acknowledge(session: AsyncSession, incident_id: str, context: Context) -> Incident:
    """Note that somebody has taken note of an incident: it goes to nobody else. The first one stays named.

    Raises:
        NotFound, Forbidden.
        Conflict: the incident is over.
    """
    incident = await _held(session, incident_id, context, Action.INCIDENT_ACKNOWLEDGE)
    if incident.acknowledged_at is None:
        lifecycle.acknowledge(incident, by=context.actor.email, now=context.now)
        event = IncidentAcknowledged(incident.id, incident.kind, incident.subject)
        audit.record_by(session, event, context)
    return incident


async def mute(session: AsyncSession, incident_id: str, until: datetime, context: Context) -> Incident:
    """Tell nothing more of an incident until a moment, except that it is over.

    Raises:
        NotFound, Forbidden.
        Invalid: the moment is over, or too far away.
        Conflict: the incident is over.
    """
    if not context.now < until <= context.now + LONGEST_MUTE:
        message = f"It has to be after now, and within {LONGEST_MUTE.days} days."
        raise Invalid.at("until", message, "Choose another time.")
    incident = await _held(session, incident_id, context, Action.INCIDENT_MUTE)
    lifecycle.mute(incident, until=until)
    event = IncidentMuted(incident.id, incident.kind, incident.subject, until.isoformat())
    audit.record_by(session, event, context)
    return incident


async def unmute(session: AsyncSession, incident_id: str, context: Context) -> Incident:
    """Tell of an incident again.

    Raises:
        NotFound, Forbidden.
        Conflict: the incident is over.
    """
    incident = await _held(session, incident_id, context, Action.INCIDENT_MUTE)
    if incident.muted_until is not None:
        lifecycle.mute(incident, until=None)
        audit.record_by(session, IncidentUnmuted(incident.id, incident.kind, incident.subject), context)
    return incident


async def _held(session: AsyncSession, incident_id: str, context: Context, doing: Action) -> Incident:
    """Return an incident that nobody else changes until the transaction ends."""
    await get(session, incident_id, viewer=context.viewer, doing=doing)
    held = await stored.hold(session, incident_id)
    assert held is not None, "incidents are only removed long after they are over"
    return held
