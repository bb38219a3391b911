"""Decide what limits hold for a user, and whether something is within them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from mailroom.errors import Limited, LimitReached, TooOften
from mailroom.limits.spec import HOUR, Budget, Limits
from mailroom.roles import Role
from mailroom.setting_groups.limits import RoleLimits
from mailroom.settings import Settings
from mailroom.storage.tables import User

Value = TypeVar("Value")

_ASKED_FOR = {
    Budget.RUNS: "runs",
    Budget.BACKFILLS: "due times to backfill",
    Budget.TESTS: "tests",
    Budget.PREVIEWS: "previews",
}


def limits_for(user: User, settings: Settings) -> Limits:
    """Return the limits of a user: those of service accounts or of the user's role, and else those of everybody."""
    everybody, own = settings.limits, _own(user, settings)

    def of(name: str) -> int:
        value = getattr(own, name)
        chosen: int = getattr(everybody, name) if value is None else value
        return chosen

    return Limits(
        schedules=of("schedules"),
        interval=timedelta(seconds=_either(own.interval_seconds, settings.minimum_interval_seconds)),
        recipients=of("recipients"),
        schedule_recipients=of("schedule_recipients"),
        budgets={budget: of(budget) for budget in Budget},
        render_seconds=_either(own.render_seconds, settings.render_seconds),
        render_rows=_either(own.render_rows, settings.render_rows),
        file_mb=_either(own.file_mb, settings.render_output_mb),
        delivered_mb=of("delivered_mb"),
        domains=tuple(_either(own.recipient_domains, everybody.recipient_domains).split()),
        contact=everybody.contact or "an admin of this Mailroom",
    )


def _own(user: User, settings: Settings) -> RoleLimits:
    if user.is_service:
        return settings.limits.service
    return settings.limits.admin if user.role is Role.ADMIN else settings.limits.creator


def _either(own: Value | None, general: Value) -> Value:
    return general if own is None else own


def room_for_schedules(limits: Limits, used: int, *, owner: str, wanted: int = 1) -> LimitReached | None:
    """Return why an owner with so many schedules may not have more, or None.

    Args:
        owner: how the message names the owner.
    """
    if used + wanted <= limits.schedules:
        return None
    message = f"{owner} has {used} schedules, and may have {limits.schedules}. Finished and deleted ones do not count."
    remedy = f"Delete one that is not needed, or ask {limits.contact} for more."
    return LimitReached(message, Limited("schedules", limits.schedules, used, limits.contact), remedy=remedy)


def room_in_hour(
    limits: Limits, budget: Budget, uses: Sequence[tuple[datetime, int]], *, now: datetime, wanted: int
) -> TooOften | None:
    """Return why so many more may not be asked for now, or None.

    Args:
        uses: what was asked for within the last hour, oldest first: when, and how many.
    """
    limit, used = limits.budgets[budget], sum(amount for _, amount in uses)
    if used + wanted <= limit:
        return None
    noun = _ASKED_FOR[budget]
    message = f"{used} {noun} were asked for within the last hour, and {limit} an hour may be."
    again_in = _until_room(limit, uses, used, now=now, wanted=wanted)
    wait = "Ask for less at once" if wanted > limit else f"Wait {max(1, round(again_in / 60))} minutes"
    limited = Limited(str(budget), limit, used, limits.contact)
    return TooOften(message, limited, again_in=again_in, remedy=f"{wait}, or ask {limits.contact} for more.")


def _until_room(limit: int, uses: Sequence[tuple[datetime, int]], used: int, *, now: datetime, wanted: int) -> float:
    """Return the seconds after which enough of what was asked for is more than an hour ago."""
    for at, amount in uses:
        used -= amount
        if used + wanted <= limit:
            return max(1.0, (at + HOUR - now).total_seconds())
    return HOUR.total_seconds()
