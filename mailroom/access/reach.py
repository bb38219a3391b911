"""Say which schedules a viewer sees, as SQL; what belongs to a schedule is seen with it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, ScalarSelect, Select, false, or_, select, true

from mailroom.access.permissions import Action, Relation
from mailroom.access.viewer import Viewer
from mailroom.storage.model.access import ConnectionGrant, ScheduleShare
from mailroom.storage.tables import Report, Schedule


def of_schedules(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the schedules that are the viewer's own or shared; an admin sees all."""
    if viewer.sees_all:
        return true()
    shared = select(ScheduleShare.schedule_id).where(ScheduleShare.subject.in_(viewer.subjects()))
    return or_(Schedule.user_id == viewer.user_id, Schedule.id.in_(shared))


def schedule_ids(viewer: Viewer) -> ScalarSelect[str]:
    """Return the ids of the schedules that the viewer sees, deleted ones included, as a subquery."""
    return select(Schedule.id).where(of_schedules(viewer)).scalar_subquery()


def of_reports(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the reports that the viewer may see: own ones, and those of the installation."""
    if viewer.sees_all:
        return true()
    if not viewer.may(Action.REPORT_READ, Relation.SHARED):
        return false()
    return or_(Report.owner_id.is_(None), Report.owner_id == viewer.user_id)


def connection_names(viewer: Viewer) -> Select[tuple[str]]:
    """Return the names of the connections that the viewer may use besides what an admin may."""
    return select(ConnectionGrant.connection).where(ConnectionGrant.subject.in_(viewer.subjects()))
