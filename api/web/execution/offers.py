"""Decide what is offered on the page of a run: what makes sense for it, and what the visitor may do. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from api.actions.executions.views import ExecutionDetail
from mailroom.executions.again import UNFINISHED_ENDS
from mailroom.executions.reasons import ReasonCode
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState


@dataclass(frozen=True, slots=True)
class Rights:
    """Hold what the visitor may do with this run."""

    retry: bool = False
    correct: bool = False
    run: bool = False
    download: bool = False
    prefect: bool = False


def retry_words(left: int, total: int) -> str:
    """Return what a retry reaches, such as "Retry for 1 of 12. The other 11 have it."."""
    if not total:
        return "Retry: makes the report and sends it to everybody."
    have = total - left
    told = f"Retry for {left} of {total}."
    return f"{told} The other {have} {'has' if have == 1 else 'have'} it." if have else told


def may_retry(detail: ExecutionDetail) -> bool:
    """Tell whether another try would have something to do, as far as the page can see."""
    superseded = detail.reason_code == ReasonCode.SUPERSEDED
    done = bool(detail.deliveries) and detail.delivered == len(detail.deliveries)
    return (
        detail.status in UNFINISHED_ENDS
        and not superseded
        and not done
        and detail.corrected_by is None
        and detail.retry_requested_at is None
    )


def may_run_it(detail: ExecutionDetail) -> bool:
    """Tell whether the due time of a run that never worked can be made good."""
    return detail.kind is ExecutionKind.SCHEDULED and detail.status in {ExecutionState.MISSED, ExecutionState.SKIPPED}


def may_correct(detail: ExecutionDetail) -> bool:
    """Tell whether somebody got something that could be corrected."""
    got = any(one.status in {DeliveryState.DELIVERED, DeliveryState.UNKNOWN} for one in detail.deliveries)
    ended = detail.status.ended and detail.retry_requested_at is None
    return ended and got and detail.kind is not ExecutionKind.TEST and detail.corrected_by is None
