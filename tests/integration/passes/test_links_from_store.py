"""Links to files that a real S3 keeps: kept once, signed, told with their end, and held back with their store."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import delete, select

from mailroom.access.viewer import SYSTEM, role_subject
from mailroom.audit.delivery_events import CredentialUsed
from mailroom.connections import service as connections
from mailroom.connections.breaker import repository as breakers
from mailroom.connections.breaker import service as breaker
from mailroom.connections.breaker.decide import Sign
from mailroom.connections.spec import NewConnection
from mailroom.errors import Conflict, Invalid
from mailroom.executions.reasons import ReasonCode
from mailroom.passes.outcome import Outcome
from mailroom.recipients import service as recipients
from mailroom.recipients.spec import NewSuppression
from mailroom.roles import Role
from mailroom.states import DeliveryState, ExecutionState
from mailroom.stops import repository as stops
from mailroom.stops import service as stopping
from mailroom.stops.spec import StopRequest, StopScope
from mailroom.storage.database import new_id
from mailroom.storage.model.access import ConnectionGrant
from mailroom.storage.tables import AuditEvent, User
from prefect_mailroom.channels.s3.bucket import STS_VARIABLE
from tests.support.s3.front import front_of
from tests.support.s3.servers import BUCKET, EXTERNAL_ID, ROLE, S3Server, moto
from tests.support.samples import MAIL

if TYPE_CHECKING:
    from tests.support.environment import Environment

ADA, BOB = MAIL["to"]
LINKED = {**MAIL, "attach": "link", "links_from": "archive"}


@pytest.fixture(scope="module")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture
async def store(environment: Environment, moto_server: S3Server) -> S3Server:
    """Return the S3 that the connection `archive` leads to, with nothing in it."""
    moto_server.empty()
    await connect(environment, {**moto_server.settings, "prefix": "mailroom"})
    return moto_server


async def connect(environment: Environment, settings: dict[str, Any], name: str = "archive") -> None:
    wanted = NewConnection(name=name, kind="s3", settings=settings)
    async with environment.database.session() as session:
        await connections.create(session, wanted, environment.context())


def kept(store: S3Server) -> list[str]:
    return [one["Key"] for one in store.client().list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def link_in(environment: Environment) -> str:
    """Return the link in the latest mail."""
    body = environment.mail.mails[-1][1].get_body(("plain",))
    assert body is not None
    (line,) = [line for line in str(body.get_content()).splitlines() if "X-Amz-Signature" in line]
    return line[line.index("http") :].strip()


def end_of(link: str) -> datetime:
    asked = parse_qs(urlsplit(link).query)
    signed = datetime.strptime(asked["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return signed + timedelta(seconds=int(asked["X-Amz-Expires"][0]))


def fetched(store: S3Server, link: str) -> httpx.Response:
    """Return what is at a link. Where moto asks for a right, it breaks down at a signature in an address.

    That the signature is right, rclone verifies in the tests of the channel.
    """
    with httpx.Client(trust_env=False) as client:
        client.post(f"{store.url}/moto-api/reset-auth", content=b"inf").raise_for_status()
        try:
            return client.get(link)
        finally:
            client.post(f"{store.url}/moto-api/reset-auth", content=b"0").raise_for_status()


async def test_a_mail_links_to_what_the_store_keeps_once(environment: Environment, store: S3Server) -> None:
    schedule = await environment.create(destinations=[LINKED])
    execution, run_id = await environment.request(schedule), new_id()
    environment.mail.replies[BOB] = "451 later"
    await environment.run_pass(schedule, execution, run_id=run_id)
    environment.mail.replies.clear()
    await environment.due_now()
    await environment.run_pass(schedule, execution, run_id=run_id)

    assert environment.mail.taken() == [ADA, BOB]
    (name,) = kept(store)
    assert name.startswith("mailroom/mailroom-links/")
    link = link_in(environment)
    answer = fetched(store, link)
    stored = store.client().get_object(Bucket=BUCKET, Key=name)["Body"].read()
    assert (answer.status_code, answer.content) == (200, stored)
    assert b"region,amount" in answer.content
    assert "attachment" in answer.headers["content-disposition"]

    sent = await environment.deliveries()
    told = sent[BOB].receipt
    assert told is not None
    links = told["detail"]["links"]
    assert (links["connection"], links["objects"]) == ("archive", [f"s3://{BUCKET}/{name}"])
    assert abs(datetime.fromisoformat(links["until"]) - end_of(link)) < timedelta(seconds=5)
    assert datetime.fromisoformat(links["until"]) - environment.now() < timedelta(days=7)
    assert "X-Amz-Signature" not in str(told), "the receipt is no way in"
    async with environment.database.session() as session:
        used = await session.scalars(select(AuditEvent).where(AuditEvent.action == CredentialUsed.action))
        assert {(row.entity_id, row.detail["purpose"]) for row in used} >= {("archive", "links"), ("smtp", "delivery")}


async def test_links_end_with_the_session_of_a_role(
    environment: Environment, moto_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STS gives twelve hours, so the mail has links; where it gives half an hour, no mail leaves with them."""
    moto_server.empty()
    async with front_of(moto_server.port) as front:
        monkeypatch.setenv(STS_VARIABLE, f"http://127.0.0.1:{front.port}")
        role = {**moto_server.settings, "identity": "role", "role_arn": ROLE, "external_id": EXTERNAL_ID}
        await connect(environment, role)
        schedule = await environment.create(destinations=[{**LINKED, "to": [ADA]}])
        await environment.run_pass(schedule, await environment.request(schedule))
        assert environment.mail.taken() == [ADA]
        left = end_of(link_in(environment)) - environment.now()
        assert timedelta(hours=11) < left <= timedelta(hours=12)

        soon = f"{environment.now() + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}"
        front.rewrite = lambda body: _until(body, soon)
        await connect(environment, {**role, "prefix": "short"}, "short")
        schedule = await environment.create(destinations=[{**LINKED, "to": [ADA], "links_from": "short"}])
        outcome = await environment.run_pass(schedule, await environment.request(schedule))
    assert environment.mail.taken() == [ADA], "no other one"
    assert isinstance(outcome, Outcome)
    assert outcome.state is ExecutionState.RETRYING
    assert outcome.retry_at is not None
    assert outcome.retry_at - environment.now() > timedelta(minutes=20), "once the role is assumed anew"


def _until(body: str, moment: str) -> str:
    head, _, rest = body.partition("<Expiration>")
    return f"{head}<Expiration>{moment}</Expiration>{rest.partition('</Expiration>')[2]}" if rest else body


async def _open_breaker(environment: Environment) -> None:
    async with environment.database.session() as session:
        for _ in range(10):
            await breaker.record(session, "archive", Sign.FAILS, probing=False, why="Down.", now=environment.now())


async def _close_breaker(environment: Environment) -> None:
    async with environment.database.session() as session:
        await breaker.enable(session, "archive", environment.context())


async def _stop(environment: Environment) -> None:
    wanted = StopRequest(scope=StopScope.CONNECTION, target="archive", reason="Moving.")
    async with environment.database.session() as session:
        await stopping.stop(session, wanted, by="test", now=environment.now())


async def _resume(environment: Environment) -> None:
    async with environment.database.session() as session:
        standing = await stops.at(session, StopScope.CONNECTION, "archive", viewer=SYSTEM)
        await stopping.lift(session, standing, what_was_due=None, by="test", now=environment.now())


@pytest.mark.parametrize(
    ("begin", "end", "reason"),
    [(_open_breaker, _close_breaker, ReasonCode.CONNECTION_DOWN), (_stop, _resume, ReasonCode.STOPPED)],
)
async def test_a_mail_waits_for_the_store_of_its_links(
    environment: Environment,
    store: S3Server,
    begin: Callable[[Environment], Awaitable[None]],
    end: Callable[[Environment], Awaitable[None]],
    reason: ReasonCode,
) -> None:
    await begin(environment)
    schedule = await environment.create(destinations=[{**LINKED, "to": [ADA]}])
    execution, run_id = await environment.request(schedule), new_id()
    outcome = await environment.run_pass(schedule, execution, run_id=run_id)
    assert isinstance(outcome, Outcome)
    assert (outcome.state, outcome.reason.code) == (ExecutionState.RETRYING, reason)
    assert "archive" in str(outcome.reason.values)
    assert (environment.mail.taken(), await environment.attempts(), kept(store)) == ([], [], [])

    await end(environment)
    await environment.run_pass(schedule, execution, run_id=run_id)
    assert environment.mail.taken() == [ADA]


async def test_a_store_that_fails_is_counted_at_the_store(environment: Environment) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed_port = server.getsockname()[1]
    settings = {"bucket": BUCKET, "endpoint": f"http://127.0.0.1:{closed_port}", "allow_plain": True}
    await connect(environment, {**settings, "identity": "keys", "access_key_id": "k", "secret_access_key": "s" * 16})
    schedule = await environment.create(destinations=[LINKED])
    outcome = await environment.run_pass(schedule, await environment.request(schedule))
    assert isinstance(outcome, Outcome)
    assert outcome.state is ExecutionState.RETRYING
    sent = await environment.deliveries()
    assert {row.status for row in sent.values()} == {DeliveryState.FAILED}
    assert all("archive" in (row.error_message or "") for row in sent.values())
    async with environment.database.session() as session:
        counted = await breakers.counts(session, ["archive", "smtp"], now=environment.now())
    assert (counted["archive"].failed, counted["archive"].worked) == (1, 0), "once, for both mails"
    assert "smtp" not in counted or not counted["smtp"].failed


async def test_whoever_may_not_use_the_store_sends_no_links(environment: Environment, store: S3Server) -> None:
    admin, now = environment.owner, environment.now()
    async with environment.database.session() as session:
        creator = User(id=new_id(), email="ada@example.com", role=Role.CREATOR, created_at=now, updated_at=now)
        session.add(creator)
        for name in ("smtp", "warehouse"):
            session.add(ConnectionGrant(connection=name, subject=role_subject(Role.CREATOR)))
    environment.owner = creator
    with pytest.raises(Invalid) as refused:
        await environment.create(destinations=[LINKED])
    assert [fault.field for fault in refused.value.faults] == ["destinations.0.links_from"]

    async with environment.database.session() as session:
        session.add(ConnectionGrant(connection="archive", subject=role_subject(Role.CREATOR)))
    schedule = await environment.create(destinations=[{**LINKED, "to": [ADA]}])
    environment.owner = admin
    async with environment.database.session() as session:
        with pytest.raises(Conflict):
            await connections.delete(session, "archive", environment.context())
    environment.owner = creator
    async with environment.database.session() as session:
        await session.execute(delete(ConnectionGrant).where(ConnectionGrant.connection == "archive"))
    await environment.run_pass(schedule, await environment.request(schedule))
    (row,) = (await environment.deliveries()).values()
    assert (row.status, row.reason_code) == (DeliveryState.SUPPRESSED, ReasonCode.CONNECTION_NOT_ALLOWED)
    assert (environment.mail.taken(), kept(store)) == ([], [])


async def test_a_group_of_which_one_gets_nothing_has_links(environment: Environment, store: S3Server) -> None:
    schedule = await environment.create(destinations=[{**LINKED, "each": "group"}])
    async with environment.database.session() as session:
        wanted = NewSuppression(address=BOB, reason="They asked for it.")
        await recipients.suppress(session, wanted, environment.context())
    await environment.run_pass(schedule, await environment.request(schedule))
    assert environment.mail.taken() == [ADA]
    assert fetched(store, link_in(environment)).is_success


async def test_links_can_only_lead_to_a_store(environment: Environment) -> None:
    for name in ("smtp", "nobody"):
        with pytest.raises(Invalid) as refused:
            await environment.create(destinations=[{**LINKED, "links_from": name}])
        assert [fault.field for fault in refused.value.faults] == ["destinations.0.links_from"]
