"""Make views of incidents and of the alerts about them."""

from __future__ import annotations

from collections.abc import Sequence

from api.actions.caller import Caller
from api.actions.incidents.views import AlertView, ConcernedSchedule, IncidentDetail, IncidentView
from mailroom.incidents.repository import Concerned
from mailroom.incidents.words.description import describe
from mailroom.storage.model.upkeep.incidents import Alert, Incident


def incident_view(row: Incident, concerned: Concerned, caller: Caller) -> IncidentView:
    """Return an incident in words, as its reader may see it."""
    names = [name for _, name in concerned.named]
    said = describe(row, names, others=concerned.total - len(names), zone=caller.context.user.timezone)
    return IncidentView(
        id=row.id,
        kind=row.kind,
        subject=row.subject,
        severity=row.severity,
        title=said.title,
        what=said.what,
        to_do=list(said.to_do),
        over=said.over,
        opened_at=row.opened_at,
        last_seen_at=row.last_seen_at,
        resolved_at=row.resolved_at,
        level=row.level,
        next_level_at=row.next_level_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        muted_until=row.muted_until,
        merged_into=row.merged_into,
        execution_id=row.values.get("execution_id"),
        schedules=[ConcernedSchedule(id=schedule_id, name=name) for schedule_id, name in concerned.named],
        schedule_count=concerned.total,
    )


def incident_detail(view: IncidentView, alerts: Sequence[Alert], caller: Caller) -> IncidentDetail:
    """Return an incident with its alerts."""
    return IncidentDetail(**view.model_dump(), alerts=[_alert_view(one, caller) for one in alerts])


def _alert_view(row: Alert, caller: Caller) -> AlertView:
    shown = caller.viewer.sees_all or row.target in {caller.context.user.email, caller.viewer.user_id}
    return AlertView(
        id=row.id,
        stage=row.stage,
        level=row.level,
        route=row.route,
        target=row.target if shown else None,
        state=row.state,
        attempts=row.attempts,
        sent_at=row.sent_at,
        error=row.error if shown else "",
        created_at=row.created_at,
    )
