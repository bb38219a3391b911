"""Say of the last runs of a schedule whether they would have been sent under a condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer
from mailroom.executions import repository as executions
from mailroom.executions.conditions.spec import Condition
from mailroom.executions.reasons import Reason
from mailroom.passes.conditions.decide import ConditionOpen, Delivered, why_not
from mailroom.passes.conditions.kept import DataKept
from mailroom.passes.conditions.last_delivered import last_delivered
from mailroom.passes.planned.plan import Withheld
from mailroom.rendering.facts.decide import Open
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.tables import Delivery, Execution

MOST = 10
NOT_RENDERED = "not_rendered"


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that has been, with its data where it has any; whether somebody got it, or its condition held it back."""

    id: str
    due_at: datetime
    state: ExecutionState
    data: DataKept | None
    arrived: bool = True
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class WouldBe:
    """Hold what a condition says of a past run.

    Attributes:
        sent: whether it would have been sent; None where that is not known.
        reason: why it would not.
        unknown: why it is not known: it was not rendered, or as `mailroom.rendering.facts.decide.Open` has it.
    """

    run: PastRun
    sent: bool | None
    reason: Reason | None = None
    unknown: str = ""


async def look_back(session: AsyncSession, schedule_id: str, condition: Condition, *, viewer: Viewer) -> list[WouldBe]:
    """Return what a condition says of the last runs of a schedule, the latest first. Tests are no runs."""
    runs = await _past_runs(session, schedule_id, viewer)
    last = None
    if runs and condition.rule == "changed":
        first = runs[0]
        last = await last_delivered(session, schedule_id, before=first.due_at, besides=first.id)
    return would_be(condition, runs, last)[::-1]


def would_be(condition: Condition, runs: Sequence[PastRun], last: Delivered | None) -> list[WouldBe]:
    """Go through past runs, oldest first, as if the condition had held for all of them. Pure.

    Args:
        last: what was delivered before the first of them.
    """
    found = []
    for run in runs:
        if run.data is None:
            found.append(WouldBe(run, None, unknown=NOT_RENDERED))
            continue
        try:
            reason = why_not(condition, run.data, last)
        except ConditionOpen as error:
            found.append(WouldBe(run, None, unknown=str(error.why)))
            continue
        if not _is_known(condition, run.data):
            found.append(WouldBe(run, None, unknown=str(Open.NOT_KEPT)))
            continue
        found.append(WouldBe(run, reason is None, reason))
        # What was held back then would have been delivered, as far as anybody can know.
        if reason is None and (run.arrived or run.withheld):
            last = Delivered(run.id, run.due_at, run.data)
    return found


def _is_known(condition: Condition, data: DataKept) -> bool:
    match condition.rule:
        case "rows" | "no_rows":
            return data.some is not None
        case "changed":
            return data.digest is not None
    return True


async def _past_runs(session: AsyncSession, schedule_id: str, viewer: Viewer) -> list[PastRun]:
    """Return the last runs, oldest first."""
    arrived = exists().where(Delivery.execution_id == Execution.id, Delivery.status == DeliveryState.DELIVERED)
    query = (
        select(Execution.id, Execution.due_at, Execution.status, Execution.data_facts, Execution.plan, arrived)
        .where(
            Execution.schedule_id == schedule_id,
            Execution.kind != ExecutionKind.TEST,
            Execution.status.not_in([state for state in ExecutionState if not state.ended]),
            executions.visible_to(viewer),
        )
        .order_by(Execution.due_at.desc(), Execution.id.desc())
        .limit(MOST)
    )
    runs = []
    for run_id, due_at, state, facts, plan, was_sent in await session.execute(query):
        data = None if facts is None else DataKept.model_validate(facts)
        withheld = Withheld.model_validate(plan["withheld"]) if plan and plan.get("withheld") else None
        runs.append(PastRun(run_id, due_at, state, data, was_sent, withheld is not None))
    return runs[::-1]
