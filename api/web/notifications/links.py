"""Say where a notification leads: to the thing that failed or was changed. Pure."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from api.actions.notifications.views import NotificationView
from api.web.parts import Link
from mailroom.notifications.kinds import Kind

_CONNECTIONS = frozenset({Kind.CONNECTION_FAILING, Kind.CONNECTION_DISABLED, Kind.CONNECTION_ENABLED})
_PLACES = {
    Kind.OWNER_BARRED: Link("/settings/users", "Look at the users"),
    Kind.TRAIL_CONTRADICTED: Link("/audit", "Look at the audit trail"),
    Kind.CREDENTIAL_ENDING: Link("/settings/keys", "Look at the keys"),
    Kind.CREDENTIAL_OLD: Link("/settings/keys", "Look at the keys"),
}


def link_of(one: NotificationView, kind: Kind, *, known: bool) -> Link | None:
    """Return the link of a notification, or None where there is nothing to look at.

    Args:
        known: whether the reader sees the schedule that it is about, if it is about one.
    """
    if one.schedule_id:
        if not known:
            return None
        if kind is Kind.SCHEDULE_DELETED:
            query = urlencode({"thing": f"schedule:{one.schedule_id}"})
            return Link(f"/audit?{query}", "Look at what was done")
        if one.execution_id:
            return Link(f"/executions/{one.execution_id}", "Look at the run")
        return Link(f"/schedules/{one.schedule_id}", "Open the schedule")
    if kind in _CONNECTIONS and one.subject:
        return Link(f"/connections/{quote(one.subject, safe='')}", "Look at the connection")
    if one.incident_id:
        return Link(f"/monitoring/incidents/{one.incident_id}", "Look at what is wrong")
    if one.subject:
        return None
    return _PLACES.get(kind)
