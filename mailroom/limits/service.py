"""Keep users within their limits. Each function works in the caller's transaction, in which the count is taken under a
lock of the user: of several at once, no more get through than there is room for.

A user without a limit is neither counted nor locked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.context import Context
from mailroom.errors import Invalid
from mailroom.limits import repository as stored
from mailroom.limits.decide import limits_for, room_for_schedules, room_in_hour
from mailroom.limits.recipients import address_faults
from mailroom.limits.spec import HOUR, Budget
from mailroom.setting_groups.limits import UNLIMITED
from mailroom.settings import Settings
from mailroom.storage.tables import User


async def take_schedule(session: AsyncSession, owner: User, settings: Settings, *, ahead: int = 0) -> None:
    """Make sure that a user may have one schedule more; called before a schedule is locked or inserted.

    Args:
        ahead: how many more the user would have by what comes before in a trial of many.

    Raises:
        LimitReached: there are as many already.
    """
    limits = limits_for(owner, settings)
    if limits.schedules >= UNLIMITED:
        return
    await stored.hold_user(session, owner.id)
    used = await stored.schedules_of(session, owner.id) + ahead
    if refusal := room_for_schedules(limits, used, owner=owner.email):
        raise refusal


async def hold_budget(session: AsyncSession, context: Context, budget: Budget) -> None:
    """Take the lock that `spend` takes, where a schedule is locked before it is known how much is spent."""
    if limits_for(context.user, context.settings).budgets[budget] < UNLIMITED:
        await stored.hold_user(session, context.user.id)


async def spend(session: AsyncSession, context: Context, budget: Budget, amount: int = 1, *, ahead: int = 0) -> None:
    """Count what the caller asks for; what a transaction that is undone has asked for is not counted.

    Args:
        ahead: how many were asked for before it in a trial of many.

    Raises:
        TooOften: it is more than the caller may ask for within an hour.
    """
    limits, user_id, now = limits_for(context.user, context.settings), context.user.id, context.now
    if limits.budgets[budget] >= UNLIMITED:
        return
    await stored.hold_user(session, user_id)
    since = now - HOUR
    uses = await stored.uses(session, user_id, budget=budget, since=since)
    if refusal := room_in_hour(limits, budget, [*uses, (now, ahead)], now=now, wanted=amount):
        raise refusal
    await stored.add_use(session, user_id, budget=budget, amount=amount, now=now, since=since)


def refuse_addresses(addresses: Iterable[str], user: User, settings: Settings, *, field: str) -> None:
    """Refuse mail addresses that a user may not send to. Pure.

    Raises:
        Invalid: naming each domain, at this place of the input.
    """
    limits = limits_for(user, settings)
    if faults := address_faults(addresses, limits, field=field):
        raise Invalid(faults)


@dataclass(frozen=True, slots=True)
class Usage:
    """The number of schedules of a user, and of requests against each budget within the last hour."""

    schedules: int
    budgets: dict[Budget, int]


async def usage(session: AsyncSession, user: User, *, now: datetime) -> Usage:
    """Return how much of its limits a user uses."""
    budgets = {}
    for budget in Budget:
        uses = await stored.uses(session, user.id, budget=budget, since=now - HOUR)
        budgets[budget] = sum(amount for _, amount in uses)
    return Usage(await stored.schedules_of(session, user.id), budgets)
