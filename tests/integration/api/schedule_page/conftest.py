"""People with browsers at the page of a schedule, while Prefect is down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import select, update

from mailroom.executions.history import last_result
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.database import new_id
from mailroom.storage.tables import Delivery, Execution, Schedule
from tests.support import samples
from tests.support.parsed_page import ParsedForm, ParsedPage, parsed

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

OWN_PAGE = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
MAIL = {"channel": "email", "connection": "corp-smtp", "to": ["ada@example.com", "bob@example.com"]}
BODY = samples.schedule_body(
    name="Daily orders",
    timing={"frequency": "daily", "at": "09:00", "timezone": "Europe/Berlin"},
    parameters={"region": "EMEA"},
    destinations=[MAIL, {**samples.FOLDER, "path": "{report_slug}/{date}.{ext}"}],
)


@dataclass
class Browser:
    """The browser of one person."""

    id: str
    email: str
    http: httpx.AsyncClient

    async def page(self, path: str, status: int = 200, *, headers: Mapping[str, str] | None = None) -> ParsedPage:
        """Open a page."""
        answer = await self.http.get(path, headers={"Accept": "text/html", **(headers or {})})
        assert answer.status_code == status, answer.text
        return parsed(answer.text)

    async def post(self, form: ParsedForm, **fields: str) -> httpx.Response:
        """Send a form of a page, with these fields changed."""
        return await self.http.post(form.action, data={**form.fields, **fields}, headers=OWN_PAGE)

    async def press(self, path: str, button: str, **fields: str) -> httpx.Response:
        """Open a page and press one of its buttons."""
        return await self.post((await self.page(path)).form(button), **fields)


@dataclass
class Desk:
    """The application with people and a schedule of the creator among them."""

    api: Api
    schedule: str
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def path(self) -> str:
        """Return the address of the schedule's page."""
        return f"/schedules/{self.schedule}"

    async def person(self, name: str, role: str) -> Browser:
        """Make a person who is logged in."""
        body = {"email": f"{name}@example.com", "name": name.capitalize(), "role": role, "external_id": name}
        made = await self.api.json("POST", "/users", 201, json={**body, "timezone": "Europe/Berlin"})
        link = (await self.api.json("POST", f"/users/ext:{name}/links", 201, json={"purpose": "login"}))["link"]
        transport = httpx.ASGITransport(self.api.app, raise_app_exceptions=False)
        http = await self._stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")
        )
        browser = Browser(made["id"], made["email"], http)
        way, secret = link[link.index("/login") :], link.partition("token=")[2]
        form = (await browser.page(way)).forms[-1]
        assert (await browser.post(form, token=secret)).status_code == 303
        return browser

    async def row(self) -> Schedule:
        """Return the schedule as it is stored."""
        async with self.api.database.session() as session:
            return (await session.scalars(select(Schedule).where(Schedule.id == self.schedule))).one()

    async def executions(self) -> list[Execution]:
        """Return every execution, the oldest due time first."""
        async with self.api.database.session() as session:
            return list(await session.scalars(select(Execution).order_by(Execution.due_at)))

    async def ran(self, *states: ExecutionState) -> list[str]:
        """Store what became of the last days' due times, the latest last; return the ids."""
        today = datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0)
        ids = []
        async with self.api.database.session() as session:
            for number, state in enumerate(states):
                due = today - timedelta(days=len(states) - number)
                row = Execution(schedule_id=self.schedule, kind=ExecutionKind.SCHEDULED, due_at=due, status=state)
                row.id, row.created_at, row.started_at = new_id(), due, due
                row.completed_at = due + timedelta(seconds=40)
                row.error_message = "The mail server refused it: mailbox full." if state in _FAILED else None
                session.add(row)
                ids.append(row.id)
                await session.flush()
                for recipient in ("ada@example.com", "bob@example.com"):
                    arrived = state is ExecutionState.SUCCESS or (state is _PARTLY and recipient < "b")
                    sent = Delivery(execution_id=row.id, position=0, channel="email", connection="corp-smtp")
                    sent.recipient, sent.key, sent.destination, sent.created_at = recipient, new_id(), MAIL, due
                    sent.status = DeliveryState.DELIVERED if arrived else DeliveryState.REFUSED
                    sent.delivered_at = due + timedelta(seconds=30) if arrived else None
                    session.add(sent)
            await last_result.refresh(session, [self.schedule])
        return ids

    async def audited(self, action: str) -> list[dict[str, Any]]:
        """Return the entries of the schedule's audit trail of an action."""
        found = await self.api.json("GET", f"/audit?entity_id={self.schedule}&action={action}", 200)
        return list(found["items"])

    async def close(self) -> None:
        """Close every browser."""
        await self._stack.aclose()


_PARTLY = ExecutionState.PARTIAL
_FAILED = {ExecutionState.FAILED, ExecutionState.PARTIAL}


@pytest.fixture
async def desk(offline: Api) -> AsyncIterator[Desk]:
    """Make the application with a schedule, which belongs to nobody of the people yet."""
    made = await offline.json("POST", "/schedules/", 201, json=BODY)
    desk = Desk(offline, made["id"])
    yield desk
    await desk.close()


@pytest.fixture
async def owner(desk: Desk) -> Browser:
    """Return the creator who owns the schedule, and may use its connections."""
    ada = await desk.person("ada", "creator")
    for connection in ("corp-smtp", "shared", "warehouse"):
        await desk.api.json("PUT", f"/connections/{connection}/grants", 200, json={"users": ["ext:ada"]})
    async with desk.api.database.session() as session:
        await session.execute(update(Schedule).values(user_id=ada.id))
    return ada
