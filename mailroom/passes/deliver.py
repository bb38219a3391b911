"""Deliver: make one attempt for each delivery that is due, several at once, each recorded before and after."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from prefect.blocks.core import Block
from sqlalchemy import ColumnElement
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.ownership import bar_of
from mailroom.access.viewer import viewer_of
from mailroom.connections import grants
from mailroom.connections.breaker import service as breaker
from mailroom.connections.service import load_known, load_named
from mailroom.errors import Unavailable
from mailroom.executions import delivery_lifecycle, overlap
from mailroom.executions.fence import PassLost, check
from mailroom.executions.reasons import Reason, ReasonCode, because, reason_of
from mailroom.passes.gate import may_get, may_send
from mailroom.passes.planned.group import LeftOut
from mailroom.passes.planned.shipment import Shipment, owner_fact, parcel
from mailroom.passes.planned.told import was_told
from mailroom.passes.retry import next_attempt
from mailroom.passes.sending.signs import NobodyKnows, NotAllowed, is_refused, sign_of
from mailroom.passes.sending.store import Links, LinkStores, with_links, with_source
from mailroom.passes.sending.turns import Beginning, begin_in_turn, limits_of
from mailroom.passes.sending.upload_watch import watching
from mailroom.passes.steps.recorded import SendingTrail, receipt_of, state_of
from mailroom.passes.stopping.decide import HeldBack
from mailroom.recipients.repository import suppressing, unsubscribing
from mailroom.schedules.limits.sending import why_not_to
from mailroom.settings import Settings
from mailroom.states import ExecutionState
from mailroom.stops.coverage import breaking, stopping
from mailroom.storage.database import Database, new_id
from mailroom.storage.patience import RECEIPT
from mailroom.storage.tables import Attempt, Connection, Delivery
from prefect_mailroom.channels.base import Channel, Receipt
from prefect_mailroom.channels.registry import destination
from prefect_mailroom.channels.retries import STANDARD
from prefect_mailroom.errors import (
    MailroomError,
    Retryable,
    Withdrawn,
)

_LOG = logging.getLogger(__name__)


class Courier:
    """Makes the attempts of one pass over an execution. `held_by` is a stop that held something of it back."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        shipment: Shipment,
        *,
        flow_run_id: str,
        forced: bool,
        connections: Mapping[str, Connection],
    ) -> None:
        """Make one.

        Args:
            connections: the rows that this pass has read of the connections, by name; others are read when needed.
        """
        self._database, self._settings, self._connections = database, settings, connections
        self._shipment, self._flow_run_id, self._forced = shipment, flow_run_id, forced
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._queues: dict[str, asyncio.Lock] = {}
        self._breakers: dict[str, str | None] = {}
        self._held: dict[str, str] = {}
        self._probing: set[str] = set()
        self._channels: dict[str, asyncio.Task[Block]] = {}
        self._owner: dict[str, str] | None = None
        self._left_out = LeftOut(shipment.schedule.id, settings)
        self._trail = SendingTrail(shipment)
        self._stores = LinkStores(database, settings, shipment, self._trail, self._still_may)
        self.held_by: str | None = None

    async def deliver_all(self, deliveries: Sequence[Delivery]) -> None:
        """Make one attempt for each, when it is its connection's turn.

        Raises:
            PassLost: another pass has begun since; what was under way has ended.
            ExceptionGroup: what went wrong inside Mailroom itself, once all the others are through.
        """
        errors: list[Exception] = []
        async with asyncio.TaskGroup() as group:
            for delivery in deliveries:
                group.create_task(self._deliver_apart(delivery, errors))
        for error in errors:
            if isinstance(error, PassLost):
                raise error
        if errors:
            raise ExceptionGroup("Some deliveries ended with an error of our own.", errors)

    async def _deliver_apart(self, delivery: Delivery, errors: list[Exception]) -> None:
        """Deliver so that an error of our own in this delivery leaves the others alone."""
        try:
            await self._deliver(delivery)
        except PassLost as error:
            errors.append(error)
        except Exception as error:
            _LOG.exception("Delivery %s ended with an error of our own (error %s).", delivery.id, new_id())
            errors.append(error)

    async def _deliver(self, delivery: Delivery) -> None:
        channel = await self._channel(delivery)
        try:
            links = await self._stores.links_for(channel, delivery)
        except HeldBack as held:
            await self._hold(delivery, held)
            return
        async with self._slots.setdefault(delivery.connection, asyncio.Semaphore(limits_of(channel).sessions)):
            async with self._queues.setdefault(delivery.connection, asyncio.Lock()):  # One waits, not all of them.
                attempt = await self._begin(delivery, channel)
            if attempt is None:
                return
            outcome = await self._send(channel, delivery, attempt.number, links)
            policy = self._shipment.spec.policy
            again = None
            if isinstance(outcome, Retryable):
                again = next_attempt(
                    attempts=attempt.number,
                    retries=channel.retries if isinstance(channel, Channel) else STANDARD,
                    max_attempts=policy.max_attempts,
                    now=self._database.now(),
                    not_before=outcome.not_before,
                    key=delivery.key,
                    for_others=delivery.id in self._probing,
                )
            uses = isinstance(channel, Channel) and self._trail.first_use(delivery.connection)
            recording = asyncio.create_task(self._record(delivery, attempt, outcome, again, uses))
            try:
                await asyncio.shield(recording)
            except asyncio.CancelledError:
                await recording  # Whatever ends the pass, what the far side said is kept first.
                raise

    async def _begin(self, delivery: Delivery, channel: Channel | MailroomError) -> Attempt | None:
        """Record that an attempt begins, or return None where nothing may leave, or where it leaves later."""
        name, patience = delivery.connection, timedelta(minutes=1)

        async def may_leave(session: AsyncSession) -> bool:
            return not await self._suppressed(session, delivery)

        async def begin(session: AsyncSession, room: ColumnElement[bool]) -> Attempt | None:
            attempt = await delivery_lifecycle.begin_attempt(
                session,
                delivery,
                now=self._database.now(),
                flow_run_id=self._flow_run_id,
                forced=self._forced,
                pass_number=self._shipment.execution.pass_count,
                room=room,
            )
            stop_id = self._breakers[name]
            self._probing.discard(delivery.id)
            if attempt is not None and stop_id is not None:
                lasts = patience + timedelta(seconds=channel.timeout_seconds if isinstance(channel, Channel) else 0)
                if not await breaker.admit(session, name, lasts=lasts, now=self._database.now()):
                    raise HeldBack(stop_id, by_breaker=True)
                self._probing.add(delivery.id)
            return attempt

        wanted = Beginning(delivery, limits_of(channel), may_leave, begin, self._forced)
        try:
            if name in self._held:  # Its breaker has said so in this pass, and says it for whatever follows.
                raise HeldBack(self._held[name], by_breaker=True)
            return await begin_in_turn(self._database, wanted, clock=self._database.now)
        except HeldBack as held:
            await self._hold(delivery, held)
            return None

    async def _hold(self, delivery: Delivery, held: HeldBack) -> None:
        """Leave a delivery to a later pass. Nothing has to be written of one that the plan makes, as it stays due."""
        self.held_by = held.stop_id
        if held.by_breaker:
            self._held[delivery.connection] = held.stop_id
        if self._forced:
            put_off = partial(delivery_lifecycle.put_off, delivery=delivery, now=self._database.now(), forced=True)
            await self._database.transact_patiently(put_off, f"Delivery {delivery.id}, which is held back")

    async def _record(
        self, delivery: Delivery, attempt: Attempt, outcome: Receipt | MailroomError, again: datetime | None, uses: bool
    ) -> None:
        """Record how an attempt ended, in a transaction of its own. A receipt is all that keeps the mail from being
        sent twice, so this is tried again for minutes while the database is busy or away."""
        now, name, probing = self._database.now(), delivery.connection, delivery.id in self._probing

        async def end(session: AsyncSession) -> None:
            if isinstance(outcome, HeldBack):
                self.held_by = outcome.stop_id
                await delivery_lifecycle.take_back(session, attempt, delivery.status, now=now)
                await breaker.record(session, name, None, probing=probing, why="", now=now)
                return
            await delivery_lifecycle.end_attempt(
                session,
                attempt,
                now=now,
                outcome=state_of(outcome),
                receipt=receipt_of(outcome),
                error_message=str(outcome) if isinstance(outcome, MailroomError) else None,
                next_attempt_at=again,
            )
            if isinstance(outcome, NotAllowed):
                await self._suppress(session, delivery, outcome.reason)
            self._trail.sent(session, delivery, attempt, state_of(outcome), uses=uses, now=now)
            why = str(outcome) if isinstance(outcome, MailroomError) else ""
            sign, refused = sign_of(outcome), is_refused(outcome)
            await breaker.record(session, name, sign, probing=probing, why=why, now=now, refused=refused)

        what = f"What became of attempt {attempt.id} ({state_of(outcome)})"
        await self._database.transact_patiently(end, what, pauses=RECEIPT)

    async def _suppressed(self, session: AsyncSession, delivery: Delivery) -> bool:
        """Say whether the right to send has gone since the gate; this is asked in the attempt's own transaction."""
        reason = await self._why_not(delivery, session)
        if reason:
            await self._suppress(session, delivery, reason)
        return reason is not None

    async def _suppress(self, session: AsyncSession, delivery: Delivery, reason: Reason) -> None:
        await delivery_lifecycle.suppress(session, delivery.id, reason)
        self._trail.suppressed(session, delivery, reason, now=self._database.now())

    async def _last_look(self, delivery: Delivery) -> None:
        """Ask again just before the content leaves, and whether it leaves as it is written."""
        await self._still_may(delivery)
        self._left_out.require_as_taken(delivery)

    async def _still_may(self, delivery: Delivery) -> None:
        """Ask again whether it may leave: the far side may have let us wait.

        Raises:
            Withdrawn: it must not leave any more, or not now.
            NobodyKnows: the database does not say.
        """
        try:
            reason = await self._database.transact(partial(self._why_not, delivery))
        except PassLost as lost:
            raise Withdrawn(str(lost)) from lost
        except (Unavailable, SQLAlchemyError, OSError) as error:
            raise NobodyKnows("Nobody could say whether the schedule is still active; nothing has left.") from error
        if reason:
            raise NotAllowed(reason)

    async def _why_not(self, delivery: Delivery, session: AsyncSession) -> Reason | None:
        """Return why nothing may leave any more, or None where it may.

        Raises:
            HeldBack: it may not leave now, and is to leave later.
        """
        shipment = self._shipment
        stop = stopping(
            schedule_id=shipment.schedule.id, report_id=shipment.plan.report_id, connection=delivery.connection
        )
        suppression, opened = suppressing(delivery.recipient), breaking(delivery.connection)
        unsubscribed = unsubscribing(delivery.recipient, shipment.schedule.id)
        standing = await overlap.standing(session, shipment.execution.id, stop, suppression, unsubscribed, opened)
        self._breakers[delivery.connection] = standing.breaker_id
        check(standing.execution, shipment.execution.pass_count)
        if standing.execution.status is ExecutionState.CANCELLED:
            return reason_of(standing.execution)
        # Read here, since a transaction that is undone takes the row's values with it.
        self._trail.owner, self._owner = standing.owner.email, owner_fact(standing.owner)
        owner_active = bar_of(standing.owner) is None
        closed = may_send(shipment.execution.kind, standing.schedule_state, owner_active=owner_active)
        viewer = viewer_of(standing.owner)
        # What an admin uses needs no grant; whether it still exists, its loading tells.
        needs_grant = closed is None and not viewer.sees_all
        names = destination(delivery.destination).connections() if needs_grant else ()
        if names and (barred := await grants.not_usable(session, names, viewer=viewer)):
            return because(ReasonCode.CONNECTION_NOT_ALLOWED, connection=barred[0])
        out = may_get(delivery.recipient, standing.suppression, unsubscribed=standing.unsubscribed is not None)
        if closed is None and out:
            return out
        if closed is None and (beyond := why_not_to(delivery, standing.owner, self._settings)):
            return beyond
        if closed is None and (nobody := await self._left_out.ask(session, delivery, standing.owner)):
            return nobody
        if closed is None and standing.stop_id is not None:
            raise HeldBack(standing.stop_id)
        return closed.reason if closed else None

    async def _channel(self, delivery: Delivery) -> Channel | MailroomError:
        """Return the delivery's block, loaded once a pass, or why it cannot be had."""
        name = delivery.connection
        if name not in self._channels:
            row, kind = self._connections.get(name), delivery.channel
            if row is not None:
                loading = load_known(row, self._settings, kind=kind)
            else:
                loading = load_named(self._database, self._settings, name, kind=kind)
            self._channels[name] = asyncio.create_task(loading)
        try:
            channel = await self._channels[name]
        except MailroomError as error:
            return error
        assert isinstance(channel, Channel), "load_named gives the class of the kind"
        return channel

    async def _send(
        self, channel: Channel | MailroomError, delivery: Delivery, number: int, links: Links
    ) -> Receipt | MailroomError:
        if isinstance(channel, MailroomError):
            return channel
        if isinstance(links, MailroomError):
            return links
        try:
            left_out = self._left_out.take(delivery)
            told = await was_told(self._database, self._shipment, delivery, now=self._database.now())
            ready = parcel(self._shipment, delivery, number, owner=self._owner, left_out=left_out, was_told=told)
            with watching(self._database, delivery, number) as watch:
                last_look = partial(self._last_look, delivery)
                ready = with_links(replace(ready, last_look=last_look, on_progress=watch.tell), links)
                return with_source(await channel.deliver(ready), ready, links)
        except MailroomError as error:
            _LOG.warning("Delivery %s, attempt %d, by %s: %s", delivery.id, number, delivery.channel, error)
            return error
