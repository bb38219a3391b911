"""Disable a user, after the user's schedules were handed over to somebody else where that is wanted."""

from __future__ import annotations

from dataclasses import dataclass

from api.actions.caller import Caller
from api.actions.schedules import bulk
from api.actions.schedules.bulk import BulkItem, BulkOutcome, BulkRequest
from api.actions.users import actions as users
from api.actions.users.views import ChangedUserView
from mailroom.access import repository as access
from mailroom.access.permissions import Action
from mailroom.schedules.ownership import owned


@dataclass(frozen=True, slots=True)
class Left:
    """The end of a user's work.

    Attributes:
        user: the user, who is disabled; None where a schedule could not be handed over, and nothing was disabled.
        handed_over: how many schedules have another owner now.
        not_handed_over: the schedules that could not be, each with its error.
    """

    user: ChangedUserView | None
    handed_over: int = 0
    not_handed_over: tuple[BulkItem, ...] = ()


async def disable(caller: Caller, reference: str, *, hand_over_to: str | None = None) -> Left:
    """Hand a user's schedules over to somebody, if one is named, and keep the user from logging in.

    A user whose schedules cannot all be handed over stays active: otherwise the rest would be suspended unasked.

    Raises:
        NotFound, Forbidden.
        Conflict: it is the user of the installation's own key.
    """
    if hand_over_to is None:
        return Left(await users.disable(caller, reference))
    async with caller.session() as session:
        user = await access.user(session, reference, viewer=caller.viewer, doing=Action.USER_DISABLE)
        ids = await owned.ids(session, user.id, viewer=caller.viewer)
    items: list[BulkItem] = []
    for start in range(0, len(ids), bulk.MOST):
        wanted = BulkRequest(action="reassign", ids=ids[start : start + bulk.MOST], to=hand_over_to)
        items += (await bulk.bulk(caller, wanted)).items
    failed = tuple(item for item in items if item.outcome is BulkOutcome.FAILED)
    done = len(items) - len(failed)
    if failed:
        return Left(None, done, failed)
    return Left(await users.disable(caller, user.id), done)
