"""Decide which stop keeps something from leaving. Pure, and the same as a condition of SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import ColumnElement, ScalarSelect, and_, or_, select

from mailroom.stops.spec import OF_CONNECTION, StopCause, StopScope
from mailroom.storage.stop_tables import Stop


def covers(stop: Stop, *, schedule_id: str, report_id: str, connection: str) -> bool:
    """Tell whether a stop keeps from leaving what goes through this connection for this schedule and report."""
    wanted = {
        StopScope.ALL: "",
        StopScope.CONNECTION: connection,
        StopScope.REPORT: report_id,
        StopScope.SCHEDULE: schedule_id,
    }
    return stop.target == wanted[StopScope(stop.scope)]


def holding(stops: Sequence[Stop], *, schedule_id: str, report_id: str, connections: Collection[str]) -> Stop | None:
    """Return a stop for which an execution has to wait as a whole: nothing of it may leave. None where something may.

    Args:
        connections: those through which something of the execution is still to leave.
    """
    found = [
        next((s for s in stops if covers(s, schedule_id=schedule_id, report_id=report_id, connection=name)), None)
        for name in connections
    ]
    return found[0] if found and all(found) else None


def stopping(*, schedule_id: str, report_id: str, connection: str) -> ScalarSelect[str | None]:
    """Return `covers` as a value for a SELECT: the id of a standing stop, or NULL. It spares a statement of its own.

    A breaker that is open is none of them: some attempts are made all the same, see `breaking`.
    """
    covered = _covered(schedule_id, report_id, connection)
    return select(Stop.id).where(standing(), Stop.cause != StopCause.BREAKER, covered).limit(1).scalar_subquery()


def breaking(connection: str) -> ScalarSelect[str | None]:
    """Return the id of the stop of a breaker that is open, or NULL, as a value for a SELECT."""
    of = (Stop.scope == str(StopScope.CONNECTION), Stop.target == connection, Stop.cause == str(StopCause.BREAKER))
    return select(Stop.id).where(standing(), *of).limit(1).scalar_subquery()


def of_people(stops: Iterable[Stop]) -> list[Stop]:
    """Choose the stops that hold a run as a whole, and that can be resumed: those that no breaker has set."""
    return [stop for stop in stops if stop.cause not in OF_CONNECTION]


def standing() -> ColumnElement[bool]:
    """Return the condition of stops that stand."""
    return Stop.resumed_at.is_(None)


def _covered(schedule_id: str, report_id: str, connection: str) -> ColumnElement[bool]:
    targets = {StopScope.CONNECTION: connection, StopScope.REPORT: report_id, StopScope.SCHEDULE: schedule_id}
    single = [and_(Stop.scope == str(scope), Stop.target == target) for scope, target in targets.items()]
    return or_(Stop.scope == str(StopScope.ALL), *single)
