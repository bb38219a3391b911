"""A connection and a calendar are asked what may be done with them, also by code that no route stands in front of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.access.viewer import Viewer, user_subject
from mailroom.calendars import repository as calendars
from mailroom.connections import repository as connections
from mailroom.errors import Forbidden
from mailroom.roles import Role
from mailroom.storage.database import Database
from mailroom.storage.model.access import ConnectionGrant
from mailroom.storage.tables import Calendar, Connection

CREATOR, ADMIN = Viewer("ada", Role.CREATOR), Viewer("root", Role.ADMIN)
NOW = datetime(2026, 11, 26, tzinfo=UTC)
OF_A_CONNECTION = {
    Action.CONNECTION_USE: True,
    Action.CONNECTION_CHECK: True,
    Action.CONNECTION_USES: True,
    Action.CONNECTION_READ: False,
    Action.CONNECTION_CHANGE: False,
    Action.CONNECTION_DELETE: False,
    Action.CONNECTION_GRANT: False,
}
OF_A_CALENDAR = {Action.CALENDAR_READ: True, Action.CALENDAR_CHANGE: False, Action.CALENDAR_DELETE: False}


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    """Store a connection that the creator was given, and a calendar, which is everybody's."""
    async with database.session() as session:
        made = {"created_at": NOW, "updated_at": NOW}
        session.add(Connection(name="corp", kind="email", block_type_slug="mailroom-email", **made))
        session.add(Calendar(id="office", title="Office", definition={}, **made))
        await session.flush()
        session.add(ConnectionGrant(connection="corp", subject=user_subject(CREATOR.user_id)))
        await session.flush()
        yield session


@pytest.mark.parametrize("action", OF_A_CONNECTION)
async def test_who_was_given_a_connection_uses_it_and_no_more(session: AsyncSession, action: Action) -> None:
    assert (await connections.get(session, "corp", viewer=ADMIN, doing=action)).name == "corp"
    if OF_A_CONNECTION[action]:
        assert (await connections.get(session, "corp", viewer=CREATOR, doing=action)).name == "corp"
    else:
        with pytest.raises(Forbidden):
            await connections.get(session, "corp", viewer=CREATOR, doing=action)


@pytest.mark.parametrize("action", OF_A_CALENDAR)
async def test_who_uses_a_calendar_does_not_change_it(session: AsyncSession, action: Action) -> None:
    assert (await calendars.get(session, "office", viewer=ADMIN, doing=action)).id == "office"
    if OF_A_CALENDAR[action]:
        assert (await calendars.get(session, "office", viewer=CREATOR, doing=action)).id == "office"
    else:
        with pytest.raises(Forbidden):
            await calendars.get(session, "office", viewer=CREATOR, doing=action)
