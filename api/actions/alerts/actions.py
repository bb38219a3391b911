"""List alerts, and send a test by each route."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.alerts.views import AlertTestView, AlertView, TriedRoute
from api.actions.caller import Caller, Remember, forget
from api.actions.view import PageView
from mailroom.access.permissions import Action
from mailroom.alerts import people, repository, trial
from mailroom.alerts.repository import Wanted
from mailroom.audit import repository as audit
from mailroom.audit.alert_events import AlertsTested


async def page(caller: Caller, wanted: Wanted, *, cursor: str | None, limit: int) -> PageView[AlertView]:
    """Return one page of the alerts that the caller may see, newest first."""
    async with caller.session() as session:
        found = await repository.list_page(session, viewer=caller.viewer, wanted=wanted, cursor=cursor, limit=limit)
    return PageView(items=[AlertView.model_validate(row) for row in found.items], next_cursor=found.next_cursor)


async def send_test(caller: Caller, remember: Remember[AlertTestView] = forget) -> AlertTestView:
    """Send a test alert by each route that is set, and say of each what happened.

    Raises:
        Forbidden: the caller may not.
    """
    caller.viewer.require(Action.ALERT_TEST)
    tried = await trial.send(
        caller.services.database,
        caller.services.settings,
        people.person(caller.context.user),
        clock=caller.services.database.now,
    )
    routes = [
        TriedRoute(route=one.target.route, target=one.target.address, ok=one.ok, message=one.message) for one in tried
    ]
    view = AlertTestView(ok=all(one.ok for one in tried), routes=routes)

    async def record(session: AsyncSession) -> AlertTestView:
        outcomes = {str(one.route): "delivered" if one.ok else "failed" for one in routes}
        audit.record_by(session, AlertsTested("alerts", outcomes), caller.context)
        await remember(session, view)
        return view

    return await caller.transact(record)
