"""Keep the files of a pass in the store that its links lead to, once for all recipients, before an attempt begins.

So an upload that takes long holds no session of the connection that sends the mails. The store's connection counts as
any other: whoever owns the schedule must be allowed to use it, stops and its breaker hold the delivery back, a turn of
it is taken, and its breaker learns how it went. Its sessions are not counted over all processes: a pass uses one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import SYSTEM
from mailroom.connections import repository as connection_repository
from mailroom.connections.breaker import service as breaker
from mailroom.connections.service import load_known
from mailroom.connections.turns import repository as turns
from mailroom.connections.turns.decide import Turn
from mailroom.passes.planned.shipment import Shipment, parcel
from mailroom.passes.sending.signs import LinksImpossible, LinksLater, sign_of
from mailroom.passes.sending.turns import limits_of
from mailroom.passes.steps.recorded import SendingTrail
from mailroom.passes.stopping.decide import HeldBack
from mailroom.settings import Settings
from mailroom.stops.coverage import breaking, stopping
from mailroom.storage.database import Database
from mailroom.storage.tables import Delivery
from prefect_mailroom.channels.base import Channel, Parcel, Receipt
from prefect_mailroom.channels.objects.keeping import LEAST, Kept, keep
from prefect_mailroom.channels.registry import destination
from prefect_mailroom.errors import MailroomError, Retryable, Withdrawn

_LONGEST_WAIT = timedelta(minutes=1)
"""So long a pass waits for a turn of the store; then the delivery fails, and is tried again as planned."""
Links = Kept | MailroomError | None
"""The links of a delivery to files in a store, or why there are none; None where it needs none of a store."""


@dataclass(slots=True)
class _Of:
    """Hold what a pass knows of one store; `failed` is what kept it from the files, for whoever asks next."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    kept: Kept | None = None
    failed: MailroomError | None = None


class LinkStores:
    """The stores that the links of one pass lead to."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        shipment: Shipment,
        trail: SendingTrail,
        still_may: Callable[[Delivery], Awaitable[None]],
    ) -> None:
        """Make them.

        Args:
            still_may: asks once more whether a delivery may leave, see `Courier`.
        """
        self._database, self._settings, self._shipment = database, settings, shipment
        self._trail, self._still_may = trail, still_may
        self._of: dict[str, _Of] = {}

    async def links_for(self, channel: Channel | MailroomError, delivery: Delivery) -> Links:
        """Return the links of a delivery, see `Links`.

        Raises:
            HeldBack: the store's connection is stopped, or its breaker is open.
        """
        name = destination(delivery.destination).links_connection()
        if not name or not isinstance(channel, Channel):
            return None
        ready = parcel(self._shipment, delivery, delivery.attempts + 1)
        if not ready.files or not await channel.needs_links(ready):
            return None
        of = self._of.setdefault(name, _Of())
        async with of.lock:
            if of.failed is not None:
                return of.failed
            if of.kept is not None and of.kept.until - self._database.now() >= LEAST:
                return of.kept
            try:
                of.kept = await self._keep(name, delivery, ready)
            except HeldBack:
                raise
            except Withdrawn:
                return None  # It may not leave, which the beginning of its attempt finds as well, and writes.
            except MailroomError as error:
                of.failed = error
                return error
            return of.kept

    async def _keep(self, name: str, delivery: Delivery, ready: Parcel) -> Kept:
        if not self._settings.download_links:
            raise LinksImpossible("The operator has switched links to files off.", remedy="Attach the files.")
        store = await self._load(name)
        probing = await self._turn(name, store)
        outcome: Kept | MailroomError
        try:
            outcome = await keep(
                store,
                name,
                ready.files,
                about=self._shipment.execution.id,
                variables=ready.variables,
                lasting=timedelta(days=self._settings.download_link_days),
                last_look=partial(self._still_may, delivery),
                clock=self._database.now,
            )
        except MailroomError as error:
            outcome = error
        await self._record(name, outcome, probing=probing)
        if isinstance(outcome, Withdrawn):
            raise outcome
        if isinstance(outcome, MailroomError):
            raise _ours(outcome, name)
        return outcome

    async def _load(self, name: str) -> Channel:
        try:
            async with self._database.session() as session:
                row = await connection_repository.get(session, name, viewer=SYSTEM)
            block = await load_known(row, self._settings, kind=row.kind)
        except MailroomError as error:
            raise _ours(error, name) from error
        if not isinstance(block, Channel):
            raise LinksImpossible(f"The connection '{name}' is a source, and keeps no files.", field="links_from")
        return block

    async def _turn(self, name: str, store: Channel) -> bool:
        """Wait for a turn of the store; return whether its breaker is tried with it."""
        what, until = f"A turn of the connection {name}", self._database.now() + _LONGEST_WAIT
        while True:
            turn, probing = await self._database.transact_patiently(partial(self._ask, name, store), what)
            if not turn.back:
                await asyncio.sleep(max(0.0, (turn.at - self._database.now()).total_seconds()))
                return probing
            if turn.at > until:
                raise LinksLater(
                    f"Too many wait for the connection '{name}', which keeps files for links.",
                    remedy="It is tried again as planned.",
                    not_before=max(0.0, (turn.at - self._database.now()).total_seconds()),
                )
            await asyncio.sleep(max(0.0, (turn.at - self._database.now()).total_seconds()))

    async def _ask(self, name: str, store: Channel, session: AsyncSession) -> tuple[Turn, bool]:
        shipment, now = self._shipment, self._database.now()
        stop = stopping(schedule_id=shipment.schedule.id, report_id=shipment.plan.report_id, connection=name)
        stop_id, breaker_id = (await session.execute(select(stop, breaking(name)))).one()
        if stop_id is not None:
            raise HeldBack(stop_id)
        turn = await turns.take(session, name, limits_of(store), now=now)
        if turn.back or breaker_id is None:
            return turn, False
        lasts = timedelta(seconds=store.timeout_seconds) + _LONGEST_WAIT
        if not await breaker.admit(session, name, lasts=lasts, now=now):
            raise HeldBack(breaker_id)
        return turn, True

    async def _record(self, name: str, outcome: Kept | MailroomError, *, probing: bool) -> None:
        now, first = self._database.now(), self._trail.first_use(name)
        sign = sign_of(outcome if isinstance(outcome, MailroomError) else Receipt(reference=""))
        why = str(outcome) if isinstance(outcome, MailroomError) else ""

        async def end(session: AsyncSession) -> None:
            await breaker.record(session, name, sign, probing=probing, why=why, now=now)
            if first:
                self._trail.used(session, name, "links", now=now)

        await self._database.transact_patiently(end, f"What became of the files for links in {name}")


def with_links(parcel: Parcel, kept: Links) -> Parcel:
    """Return a parcel whose links lead to where its files are kept, if they are. Pure."""
    if not isinstance(kept, Kept):
        return parcel
    return replace(parcel, links=kept.links, facts={**parcel.facts, "links_expire_at": kept.until.isoformat()})


def with_source(receipt: Receipt, parcel: Parcel, kept: Links) -> Receipt:
    """Return a receipt that says where such links lead: to which objects of which connection, and until when. Pure."""
    if not isinstance(kept, Kept):
        return receipt
    links = {
        "connection": parcel.destination.links_connection(),
        "until": kept.until.isoformat(),
        "objects": list(kept.addresses),
    }
    return replace(receipt, detail={**receipt.detail, "links": links})


def _ours(error: MailroomError, name: str) -> MailroomError:
    """Return an error of the store as one of the delivery: nothing has left to its recipient. Pure."""
    message = f"No links to files in '{name}': {error.message}"
    if isinstance(error, Retryable):
        return LinksLater(message, remedy=error.remedy, not_before=error.not_before)
    return LinksImpossible(message, remedy=error.remedy, field="links_from")
