"""Write down who is to be told of an incident, in the transaction that notes that it was told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.alerts import people, repository
from mailroom.alerts.repository import TOLD
from mailroom.alerts.routes import first_targets
from mailroom.alerts.spec import ON_THE_WAY, AlertState, Target
from mailroom.alerts.timing import first_attempt
from mailroom.incidents.spec import Level, Stage, Telling
from mailroom.notifications.kinds import Route
from mailroom.settings import Settings
from mailroom.storage.model.upkeep.incidents import Alert


async def write(session: AsyncSession, telling: Telling, settings: Settings, *, now: datetime) -> int:
    """Store the alerts of a telling; return how many are new. Those that another process has stored are none."""
    if telling.stage is Stage.RESOLVED:
        return await _write_end(session, telling, settings, now)
    known = await repository.of_incident(session, telling.incident_id, TOLD)
    told = {target_of(alert).key for alert in known if alert.state != AlertState.WITHDRAWN}
    found = await people.of_incident(session, telling.owner_ids, telling.schedule_ids, settings.alerts, now=now)
    level, targets = first_targets(telling.level, found, telling.kind, told)
    return await _store(session, telling, [(level, target) for target in targets], settings, now)


async def _write_end(session: AsyncSession, telling: Telling, settings: Settings, now: datetime) -> int:
    """Tell the end to everybody who was told of the incident, by the same route.

    Whoever is only about to be told is among them: when the turn of this alert comes, the other one has been sent, and
    this one follows, or it has not, and neither is sent.
    """
    known = await repository.of_incident(session, telling.incident_id, TOLD)
    by_target = {
        target_of(alert).key: (Level(alert.level), target_of(alert))
        for alert in reversed(known)
        if AlertState(alert.state) in ON_THE_WAY
    }
    ends = await repository.of_incident(session, telling.incident_id, [Stage.RESOLVED])
    have_it = {target_of(alert).key for alert in ends}
    fresh = [found for key, found in by_target.items() if key not in have_it]
    return await _store(session, telling, fresh, settings, now)


async def _store(
    session: AsyncSession, telling: Telling, targets: list[tuple[Level, Target]], settings: Settings, now: datetime
) -> int:
    quiet, zone = settings.alerts.quiet_hours, settings.default_timezone
    stored = 0
    for level, target in targets:
        at = first_attempt(target.route, telling.severity, quiet, zone, now=now)
        args = (telling.incident_id, telling.stage, level, target)
        stored += await repository.insert(session, *args, at=at, now=now)
    return stored


def target_of(alert: Alert) -> Target:
    """Return whom an alert tells. Pure."""
    return Target(Route(alert.route), alert.target, alert.user_id)
