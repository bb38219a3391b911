"""SECURITY-TESTS 26: a report for its owner shows the rows of the owner, and never the rows of another owner."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from mailroom.access.identity import HEADER, public_key
from mailroom.connections import service as connections
from mailroom.connections.spec import NewConnection
from mailroom.executions.reasons import ReasonCode
from mailroom.reports import repository as reports
from mailroom.reports.spec import ReportDefinition
from mailroom.roles import Role
from mailroom.states import ExecutionState
from mailroom.storage.database import new_id
from mailroom.storage.model.access import Team
from mailroom.storage.tables import AuditEvent, Execution, Rendering, User
from prefect_mailroom import outbound
from tests.support.samples import FOLDER

if TYPE_CHECKING:
    from tests.support.environment import Environment

KEY = SecretStr("ab" * 32)
REPORT = {
    "id": "mine",
    "title": "Mine",
    "source": {"kind": "http", "connection": "bi", "path": "/rows", "content": "csv", "as_owner": True},
    "sections": [{"kind": "table", "query": "rows"}],
    "formats": ["csv"],
}


class Source(ThreadingHTTPServer):
    """Gives each user the rows of that user, once it has checked who it is; `asked` holds who did."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the standard library's name
                try:
                    told = jwt.decode(
                        self.headers.get(HEADER, ""), public_key(KEY), algorithms=["EdDSA"], audience="127.0.0.1"
                    )
                except jwt.InvalidTokenError:
                    self.send_error(401)
                    return
                source.asked.append(told)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(f"owner,team\n{told['sub']},{told.get('team_external_id')}\n".encode())

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the standard library's name
                """Stay silent."""

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    """Serve the source on loopback."""
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.0/8")
    with Source() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


async def _set_up(environment: Environment, source: Source, *, identity: bool = True) -> list[User]:
    environment.settings = environment.settings.model_copy(update={"identity_key": KEY})
    now = environment.now()
    settings = {"base_url": f"http://127.0.0.1:{source.server_port}", "identity": identity}
    async with environment.database.session() as session:
        wanted = NewConnection(name="bi", kind="http", settings=settings)
        await connections.create(session, wanted, environment.context())
        await reports.save(session, ReportDefinition.model_validate(REPORT), now=now)
        session.add(Team(id="sales", name="Sales", external_id="sales", created_at=now, updated_at=now))
        await session.flush()
        owners = [
            User(id=new_id(), email=f"{name}@example.com", role=Role.ADMIN, created_at=now, updated_at=now)
            for name in ("ada", "bob")
        ]
        owners[0].team_id = "sales"
        session.add_all(owners)
    return owners


async def test_26_two_owners_of_one_report_get_their_own_rows(environment: Environment, source: Source) -> None:
    at = environment.now().replace(microsecond=0)
    paths = {}
    for owner in await _set_up(environment, source):
        environment.owner = owner
        path = f"{owner.email}.csv"
        schedule = await environment.create(
            report_id="mine", formats=["csv"], parameters={}, destinations=[{**FOLDER, "path": path}]
        )
        paths[owner.id] = path
        execution = await environment.request(schedule)
        async with environment.database.session() as session:
            row = await session.get(Execution, execution.id)
            assert row is not None
            row.due_at = at  # The same for both, so that nothing but the owner tells their renderings apart.
        await environment.run_pass(schedule, execution)
        again = await environment.request(schedule)
        async with environment.database.session() as session:
            row = await session.get(Execution, again.id)
            assert row is not None
            row.due_at = at
        await environment.run_pass(schedule, again)
    async with environment.database.session() as session:
        states = set(await session.scalars(select(Execution.status)))
        digests = [row.key for row in await session.scalars(select(Rendering))]
        told = list(await session.scalars(select(AuditEvent).where(AuditEvent.action == "identity_sent")))
    assert states == {ExecutionState.SUCCESS}
    assert [told["sub"] for told in source.asked] == list(paths), "each owner's rows are fetched once"
    assert len(digests) == 2 * 2
    shared = environment.settings.data_dir.parent / "shared"
    for owner_id, path in paths.items():
        content = (shared / path).read_text()
        assert owner_id in content
        assert not [other for other in paths if other != owner_id and other in content]
    assert "sales" in (shared / "ada@example.com.csv").read_text()
    assert {event.on_behalf_of for event in told} == {"ada@example.com", "bob@example.com"}
    assert {(event.actor, event.entity_id, event.detail["connection"]) for event in told} == {
        ("mailroom", "mine", "bi")
    }


async def test_26_a_source_that_is_not_told_for_whom_gives_nothing(environment: Environment, source: Source) -> None:
    environment.owner = (await _set_up(environment, source, identity=False))[0]
    schedule = await environment.create(report_id="mine", formats=["csv"], parameters={}, destinations=[FOLDER])
    execution = await environment.request(schedule)
    await environment.run_pass(schedule, execution)
    row = await environment.execution()
    assert (row.status, row.reason_code) == (ExecutionState.FAILED, ReasonCode.RENDER_FAILED)
    assert source.asked == []
