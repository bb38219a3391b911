"""Refuse what changes something while Mailroom is read-only, and say so on pages.

What may be read is decided by the permission table: what a key of the scope `read` may do is done, but for what such a
key may change of its user's own. Beside that, people can end log-ins, and stop what leaves: both only make safer.
"""

from __future__ import annotations

from api.services import Services
from mailroom.access.permissions import TABLE, Action
from mailroom.errors import ReadOnly
from mailroom.roles import Scope
from mailroom.stops import service

STILL = frozenset({Action.SESSION_END, Action.SESSION_END_OWN, Action.STOP_SET})
"""The actions that change something and are done all the same."""
OWN = frozenset(
    {
        *(Action.VIEW_SAVE, Action.VIEW_DELETE, Action.USER_PASSWORD, Action.USER_PREFER),
        *(Action.NOTIFICATION_MARK, Action.NOTIFICATION_MARK_ALL, Action.NOTIFICATION_MUTE),
    }
)
"""The actions that a key of the scope `read` has for what is its user's own, and that change something."""
_BY_SETTING = "MAILROOM_READ_ONLY is set"


def is_done(action: Action) -> bool:
    """Tell whether an action is done while Mailroom is read-only. Pure."""
    return (TABLE[action].scope is Scope.READ and action not in OWN) or action in STILL


async def refuse(services: Services, action: Action) -> None:
    """Refuse an action that changes something while Mailroom is read-only.

    Raises:
        ReadOnly: saying why.
    """
    if is_done(action):
        return
    services.read_only.clear()
    if why := await reason(services):
        raise ReadOnly(
            f"Mailroom is read-only, so nothing was changed: {why}.",
            remedy="Try again later. An operator ends it with `mailroom read-only off`.",
            code="read_only",
        )


async def reason(services: Services) -> str:
    """Return why nothing may be changed now, or an empty text; what was read within the last moments is believed."""
    if (known := services.read_only.get("")) is not None:
        return str(known)
    async with services.database.session() as session:
        stop = await service.read_only_stop(session)
    found = stop.reason.rstrip(".") if stop else _BY_SETTING if services.settings.read_only else ""
    services.read_only[""] = found
    return found
