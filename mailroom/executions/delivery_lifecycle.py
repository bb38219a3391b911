"""The life of a delivery and of its attempts: the only place where the state of either changes.

Each change is one statement, whose WHERE takes its states from `ALLOWED`: whoever comes second changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.audit import repository as audit
from mailroom.audit.delivery_events import AttemptsBrokenOff
from mailroom.executions.history.upload_progress import NOT_UNDER_WAY, WHOLE
from mailroom.executions.lifecycle import By
from mailroom.executions.reason_words import words
from mailroom.executions.reasons import Reason
from mailroom.states import DeliveryState, Moves
from mailroom.storage.tables import Attempt, Delivery, Execution

_ANYBODY = frozenset({By.PLAN, By.PERSON})
_PERSON = frozenset({By.PERSON})
_D = DeliveryState

ALLOWED: Moves[DeliveryState, By] = Moves(
    "delivery",
    {
        _D.PENDING: dict.fromkeys((_D.SENDING, _D.SUPPRESSED), _ANYBODY),
        # Back to pending: a stop came before anything of the first attempt had left.
        _D.SENDING: dict.fromkeys((_D.DELIVERED, _D.UNKNOWN, _D.REFUSED, _D.FAILED, _D.PENDING), _ANYBODY),
        # The receipt of an attempt that was given up may come late, even when a later one has ended otherwise; it is
        # the truth all the same.
        _D.UNKNOWN: dict.fromkeys((_D.SENDING, _D.DELIVERED, _D.SUPPRESSED), _ANYBODY),
        _D.FAILED: dict.fromkeys((_D.SENDING, _D.DELIVERED, _D.SUPPRESSED), _ANYBODY),
        # Failed, by a person who asked for another try, which a stop put off: then the plan makes it.
        _D.REFUSED: {_D.SENDING: _PERSON, _D.FAILED: _PERSON, _D.DELIVERED: _ANYBODY},
        _D.SUPPRESSED: {_D.SENDING: _PERSON, _D.FAILED: _PERSON, _D.DELIVERED: _ANYBODY},
        _D.DELIVERED: {},
    },
)

_CONFIRMED = exists().where(Attempt.delivery_id == Delivery.id, Attempt.outcome == _D.DELIVERED)
"""Some attempt of the delivery is confirmed, whatever the delivery's own row says."""

_BROKEN_OFF = "The process ended during this attempt. The receiver may have got the delivery."


async def begin_attempt(
    session: AsyncSession,
    delivery: Delivery,
    *,
    now: datetime,
    flow_run_id: str | None,
    forced: bool = False,
    pass_number: int | None = None,
    room: ColumnElement[bool] | None = None,
) -> Attempt | None:
    """Take the delivery for one attempt, or None where another pass took it or it must not be sent any more.

    A row left `sending` by an earlier, dead pass is first made `unknown` by `abandon_attempts`. Nothing begins where
    any attempt of the delivery is confirmed.

    Args:
        forced: whether a person asked for this try.
        pass_number: the pass that makes it; nothing begins where a later one has taken over. None: any pass may.
        room: the condition that its connection has a free session; None where that does not matter.
    """
    by = By.PERSON if forced else By.PLAN
    fence = (
        true()
        if pass_number is None
        else exists().where(Execution.id == Delivery.execution_id, Execution.pass_count == pass_number)
    )
    taken = await session.execute(
        update(Delivery)
        .where(
            Delivery.id == delivery.id,
            Delivery.attempts == delivery.attempts,
            Delivery.status.in_(ALLOWED.sources_of(DeliveryState.SENDING, by)),
            ~_CONFIRMED,
            fence,
            true() if room is None else room,
        )
        .values(status=DeliveryState.SENDING, attempts=Delivery.attempts + 1, next_attempt_at=None, reason_code=None)
        .returning(Delivery.attempts)
    )
    number = taken.scalar_one_or_none()
    if number is None:
        return None
    attempt = Attempt(delivery_id=delivery.id, number=number, flow_run_id=flow_run_id, started_at=now)
    session.add(attempt)
    await session.flush()
    return attempt


async def end_attempt(
    session: AsyncSession,
    attempt: Attempt,
    *,
    now: datetime,
    outcome: DeliveryState,
    receipt: dict[str, object] | None = None,
    error_message: str | None = None,
    next_attempt_at: datetime | None = None,
) -> None:
    """Record how an attempt ended, on its delivery and on the attempt; the delivery is locked first, as by everybody.

    Where another attempt has begun meanwhile, only a receipt counts for the delivery.
    """
    delivered: dict[str, Any] = {}
    if outcome is DeliveryState.DELIVERED:
        delivered = {"delivered_at": now, "receipt": receipt, **WHOLE}
    await session.execute(
        update(Delivery)
        .where(
            Delivery.id == attempt.delivery_id,
            true() if delivered else Delivery.attempts == attempt.number,
            Delivery.status.in_(ALLOWED.sources_of(outcome, By.PLAN)),
        )
        .values(
            status=outcome, error_message=error_message, next_attempt_at=next_attempt_at, **(delivered or NOT_UNDER_WAY)
        )
    )
    await session.execute(
        update(Attempt)
        .where(Attempt.id == attempt.id)
        .values(ended_at=now, outcome=outcome, error_message=error_message)
    )


async def put_off(
    session: AsyncSession, delivery: Delivery, *, now: datetime, forced: bool, until: datetime | None = None
) -> None:
    """Leave a delivery to a later pass, since a stop keeps it from leaving: it stays as due as it is.

    Args:
        forced: whether a person asked for this try. The later pass makes it by the plan, so it has to find it failed.
        until: when its connection has a turn for it; None where a stop is the reason.
    """
    kept = (
        delivery.status if delivery.status in (DeliveryState.PENDING, DeliveryState.UNKNOWN) else DeliveryState.FAILED
    )
    if until is None and (not forced or kept is DeliveryState.PENDING):
        return
    asked_for = (DeliveryState.FAILED, DeliveryState.UNKNOWN, *ALLOWED.sources_of(DeliveryState.FAILED, By.PERSON))
    unmoved = (kept,) if kept is DeliveryState.PENDING else asked_for
    await session.execute(
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.attempts == delivery.attempts, Delivery.status.in_(unmoved))
        .values(status=kept, next_attempt_at=until or now)
    )


async def take_back(session: AsyncSession, attempt: Attempt, was: DeliveryState, *, now: datetime) -> None:
    """Undo an attempt of which nothing has left, since a stop came before: it does not count, and is made again.

    Args:
        was: the state of the delivery before the attempt. A refused or suppressed one is failed now: a person asked for
            the attempt, and the plan makes it.
    """
    kept = was if was in (DeliveryState.PENDING, DeliveryState.UNKNOWN) else DeliveryState.FAILED
    taken = await session.execute(
        update(Delivery)
        .where(
            Delivery.id == attempt.delivery_id,
            Delivery.attempts == attempt.number,
            Delivery.status.in_(ALLOWED.sources_of(kept, By.PLAN)),
        )
        .values(
            status=kept,
            attempts=Delivery.attempts - 1,
            next_attempt_at=None if kept is DeliveryState.PENDING else now,
            **NOT_UNDER_WAY,
        )
        .returning(Delivery.id)
    )
    if taken.scalar_one_or_none() is not None:
        await session.execute(delete(Attempt).where(Attempt.id == attempt.id))


async def abandon_attempts(
    session: AsyncSession, execution_id: str, *, now: datetime, message: str = _BROKEN_OFF
) -> int:
    """Make `unknown` what a dead pass left `sending`, since it may have left. Return how many there were.

    A delivery with a confirmed attempt becomes `delivered` instead: earlier versions did not always write it there.
    """
    await _adopt_receipts(session, execution_id)
    changed = await session.scalars(
        update(Delivery)
        .where(
            Delivery.execution_id == execution_id,
            Delivery.status.in_(ALLOWED.sources_of(DeliveryState.UNKNOWN, By.PLAN)),
        )
        .values(status=DeliveryState.UNKNOWN, error_message=message, **NOT_UNDER_WAY)
        .returning(Delivery.id)
    )
    ids = changed.all()
    if ids:
        audit.record(session, AttemptsBrokenOff(execution_id, sorted(ids)), at=now)
        await session.execute(
            update(Attempt)
            .where(Attempt.delivery_id.in_(ids), Attempt.ended_at.is_(None))
            .values(ended_at=now, outcome=DeliveryState.UNKNOWN, error_message=message)
        )
    return len(ids)


async def _adopt_receipts(session: AsyncSession, execution_id: str) -> None:
    confirmed_at = select(func.min(Attempt.ended_at)).where(
        Attempt.delivery_id == Delivery.id, Attempt.outcome == DeliveryState.DELIVERED
    )
    await session.execute(
        update(Delivery)
        .where(
            Delivery.execution_id == execution_id,
            Delivery.status.in_(ALLOWED.sources_of(DeliveryState.DELIVERED, By.PLAN)),
            _CONFIRMED,
        )
        .values(
            status=DeliveryState.DELIVERED,
            delivered_at=confirmed_at.scalar_subquery(),
            error_message=None,
            next_attempt_at=None,
            **WHOLE,
        )
        .execution_options(synchronize_session=False)
    )


async def suppress(session: AsyncSession, delivery_id: str, reason: Reason) -> None:
    """Record that a delivery must not be sent; one that is confirmed or under way stays as it is."""
    await session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.status.in_(ALLOWED.sources_of(DeliveryState.SUPPRESSED, By.PLAN)))
        .values(
            status=DeliveryState.SUPPRESSED,
            reason_code=str(reason.code),
            error_message=words(reason),
            next_attempt_at=None,
        )
    )


async def give_up(session: AsyncSession, execution_id: str, reason: Reason) -> None:
    """Plan no further attempt of what an execution has not delivered; the states stay as they are."""
    await session.execute(
        update(Delivery)
        .where(Delivery.execution_id == execution_id, Delivery.status != DeliveryState.DELIVERED)
        .values(next_attempt_at=None, error_message=words(reason))
    )


async def stop_retries(session: AsyncSession, execution_id: str) -> None:
    """Plan no further attempt, since the execution has ended; states and messages stay as they are."""
    await session.execute(
        update(Delivery)
        .where(Delivery.execution_id == execution_id, Delivery.next_attempt_at.is_not(None))
        .values(next_attempt_at=None)
    )


async def suppress_rest(session: AsyncSession, execution_id: str, reason: Reason) -> None:
    """Suppress every delivery of an execution that has not left; one that may have left stays unknown, for good."""
    unsent = [
        state for state in ALLOWED.sources_of(DeliveryState.SUPPRESSED, By.PLAN) if state is not DeliveryState.UNKNOWN
    ]
    await session.execute(
        update(Delivery)
        .where(Delivery.execution_id == execution_id, Delivery.status.in_(unsent))
        .values(status=DeliveryState.SUPPRESSED, reason_code=str(reason.code), error_message=words(reason))
    )
    await session.execute(update(Delivery).where(Delivery.execution_id == execution_id).values(next_attempt_at=None))
