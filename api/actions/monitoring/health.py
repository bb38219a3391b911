"""Check every part, as `/readyz` and `mailroom doctor` do."""

from __future__ import annotations

from api.actions.caller import Caller
from mailroom.access.permissions import Action
from mailroom.watching.checks import every
from mailroom.watching.checks.spec import Check


async def health(caller: Caller) -> list[Check]:
    """Return the check of each part; Prefect has a second to answer.

    Raises:
        Forbidden: the caller does not see everything.
    """
    caller.viewer.require(Action.METRICS_READ)
    services = caller.services
    found = await every.look(services.database, services.settings, services.probe, now=caller.context.now)
    return list(found.values())
