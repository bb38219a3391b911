"""Ask whether the caller may do what a document wants, before anything is done. Pure.

Whoever applies documents acts with the own rights, as by the REST endpoint of each object.
"""

from __future__ import annotations

from collections.abc import Mapping

from mailroom.access.permissions import Action, Relation
from mailroom.access.viewer import Viewer
from mailroom.as_code.plan import Observed, Outcome
from mailroom.as_code.spec import Kind
from mailroom.errors import Fault, Forbidden

CREATE: Mapping[Kind, Action] = {
    Kind.TEAM: Action.TEAM_CREATE,
    Kind.CALENDAR: Action.CALENDAR_CREATE,
    Kind.CONNECTION: Action.CONNECTION_CREATE,
    Kind.REPORT: Action.REPORT_CREATE,
    Kind.SCHEDULE: Action.SCHEDULE_CREATE,
}
CHANGE: Mapping[Kind, Action] = {
    Kind.TEAM: Action.TEAM_CHANGE,
    Kind.CALENDAR: Action.CALENDAR_CHANGE,
    Kind.CONNECTION: Action.CONNECTION_CHANGE,
    Kind.REPORT: Action.REPORT_CHANGE,
    Kind.SCHEDULE: Action.SCHEDULE_CHANGE,
}


def refusal_of(viewer: Viewer, outcome: Outcome, kind: Kind, observed: Observed | None) -> Fault | None:
    """Return why the viewer may not do this, or None."""
    try:
        if outcome is Outcome.CREATED or observed is None:
            viewer.require_any(CREATE[kind])
        else:
            viewer.require(CHANGE[kind], _relation(viewer, kind, observed))
    except Forbidden as error:
        return Fault("", error.message, error.remedy, code=error.code)
    return None


def _relation(viewer: Viewer, kind: Kind, observed: Observed) -> Relation:
    if kind in (Kind.SCHEDULE, Kind.REPORT):
        return viewer.relation_to(observed.owner_id)
    return Relation.SHARED
