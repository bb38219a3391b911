"""Look at the limits of a user, and at how much of them is used."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller
from api.actions.limits.views import AboveView, BeyondView, LimitsView, LimitView
from mailroom.access import repository as access
from mailroom.access.permissions import Action
from mailroom.limits import service
from mailroom.limits.decide import limits_for
from mailroom.limits.spec import Budget, Limits, shown
from mailroom.schedules.limits import above as schedules
from mailroom.schedules.limits.beyond import Beyond, beyond
from mailroom.setting_groups.limits import UNLIMITED
from mailroom.storage.tables import User


async def read(caller: Caller, reference: str | None) -> LimitsView:
    """Return the limits of the caller, or of the user with this id or external id.

    Raises:
        NotFound: there is no such user, for this caller.
        Forbidden: the user is somebody else, and the caller no admin.
    """
    context = caller.context
    async with caller.session() as session:
        user = context.user
        if reference is not None:
            user = await access.user(session, reference, viewer=caller.viewer)
            caller.viewer.require(Action.LIMIT_READ, caller.viewer.relation_to(user.id))
        allowed = limits_for(user, context.settings)
        found, complete = await schedules.above(session, user.id, allowed, now=context.now)
        return LimitsView(
            user=user.id,
            role=user.role,
            ask=allowed.contact,
            limits=await _limits(session, user, allowed, caller),
            above=[
                AboveView(
                    schedule_id=one.schedule_id,
                    name=one.name,
                    limits=[BeyondView(name=it.name, limit=it.limit, used=it.used) for it in one.limits],
                )
                for one in found
            ],
            above_complete=complete,
        )


async def beyond_them(caller: Caller) -> list[Beyond]:
    """Return who has more than a limit allows since it was lowered.

    Raises:
        Forbidden: the caller does not see everything.
    """
    caller.viewer.require(Action.METRICS_READ)
    async with caller.session() as session:
        return await beyond(session, caller.context.settings)


async def _limits(session: AsyncSession, user: User, allowed: Limits, caller: Caller) -> list[LimitView]:
    usage = await service.usage(session, user, now=caller.context.now)
    counted: list[LimitView] = [
        LimitView(name="schedules", limit=shown(allowed.schedules), used=usage.schedules),
        *(_budget(budget, allowed.budgets[budget], used) for budget, used in usage.budgets.items()),
    ]
    others: dict[str, float] = {
        "interval_seconds": int(allowed.interval.total_seconds()),
        "recipients": allowed.recipients,
        "schedule_recipients": allowed.schedule_recipients,
        "render_seconds": allowed.render_seconds,
        "render_rows": allowed.render_rows,
        "file_mb": allowed.file_mb,
        "delivered_mb": allowed.delivered_mb,
    }
    rest = [LimitView(name=name, limit=shown(limit), used=None) for name, limit in others.items()]
    return [*counted, *rest, LimitView(name="recipient_domains", limit=" ".join(allowed.domains), used=None)]


def _budget(budget: Budget, limit: int, used: int) -> LimitView:
    # Of a user without a limit nothing is counted.
    return LimitView(name=str(budget), limit=shown(limit), used=used if limit < UNLIMITED else None)
