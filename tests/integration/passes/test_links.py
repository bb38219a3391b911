"""The way of a link: made with a real mail, opened by whoever got it, and obeyed by the next run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api.app import create_app
from mailroom.executions import repository as executions
from mailroom.executions.deliveries import deliveries_of
from mailroom.executions.reasons import ReasonCode
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.database import new_id
from prefect_mailroom.channels.base import Parcel, Receipt
from prefect_mailroom.channels.email.channel import EmailChannel
from tests.support.samples import FOLDER, MAIL
from tests.support.statements import recorded

if TYPE_CHECKING:
    from tests.support.environment import Environment

ADA, BOB = MAIL["to"]


@dataclass
class Reader:
    """Whoever opens links, and the parcels that went to the mail channel by then."""

    http: httpx.AsyncClient
    base: str
    parcels: list[Parcel] = field(default_factory=list)

    def path(self, url: str) -> str:
        """Return an address as this client asks for it."""
        assert url.startswith(self.base)
        return url.removeprefix(self.base)


@pytest.fixture
async def reader(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Reader]:
    """Serve the same database, and look at what the mail channel is given before it sends it."""
    changes = {"link_key": "k" * 32, "api_key": "x" * 40, "public_address": "https://reports.example.com"}
    environment.settings = environment.settings.model_copy(
        update={name: type(getattr(environment.settings, name))(value) for name, value in changes.items()}
    )
    transport = httpx.ASGITransport(create_app(environment.settings, environment.database))
    transfer = EmailChannel.transfer
    async with httpx.AsyncClient(transport=transport, base_url="http://mailroom.test") as http:
        made = Reader(http, "https://reports.example.com")

        async def noted(channel: EmailChannel, parcel: Parcel) -> Receipt:
            made.parcels.append(parcel)
            return await transfer(channel, parcel)

        monkeypatch.setattr(EmailChannel, "transfer", noted)
        yield made


async def test_a_mail_is_delivered_with_links_that_open_and_stop(environment: Environment, reader: Reader) -> None:
    schedule = await environment.create(destinations=[MAIL])
    await environment.run_pass(schedule, await environment.request(schedule))
    assert environment.mail.taken() == [ADA, BOB]
    ada, bob = sorted(reader.parcels, key=lambda parcel: parcel.recipient)
    (page,) = ada.links.values()
    assert list(ada.links) == [file.sha256 for file in ada.files]
    assert page not in bob.links.values(), "each has a link of their own"
    file = await reader.http.get(f"{reader.path(page)}/1")
    assert (file.status_code, file.content) == (200, ada.files[0].path.read_bytes())
    stopped = await reader.http.post(reader.path(ada.unsubscribe_url), data={"List-Unsubscribe": "One-Click"})
    assert stopped.status_code == 200

    second = await environment.request(schedule)
    await environment.run_pass(schedule, second)
    assert environment.mail.taken() == [ADA, BOB, BOB]
    async with environment.database.session() as session:
        kept = {row.recipient: row for row in await deliveries_of(session, [second.id])}
        row = await executions.get(session, second.id)
    assert kept[ADA].status is DeliveryState.SUPPRESSED
    assert (kept[ADA].reason_code, kept[ADA].attempts) == (ReasonCode.RECIPIENT_UNSUBSCRIBED, 0)
    assert (row.status, row.reason_code) == (ExecutionState.SUCCESS, ReasonCode.DELIVERED_BUT_SUPPRESSED)

    tested = await environment.request(schedule, ExecutionKind.TEST)
    await environment.run_pass(schedule, tested)
    await reader.http.post(reader.path(ada.unsubscribe_url), data={"undo": "1"})
    await environment.run_pass(schedule, await environment.request(schedule))
    assert environment.mail.counts()[ADA] == 2, "undone"


async def test_each_attempt_carries_the_same_links_and_a_folder_none(environment: Environment, reader: Reader) -> None:
    schedule = await environment.create(destinations=[{**MAIL, "to": [ADA]}, FOLDER])
    execution, run_id = await environment.request(schedule), new_id()
    environment.mail.replies[ADA] = "451 later"
    await environment.run_pass(schedule, execution, run_id=run_id)
    environment.mail.replies.clear()
    await environment.due_now()
    environment.settings = environment.settings.model_copy(update={"download_link_days": 14})
    await environment.run_pass(schedule, execution, run_id=run_id)
    first, second = reader.parcels
    assert (first.links, first.unsubscribe_url) == (second.links, second.unsubscribe_url)
    assert first.links
    assert environment.mail.taken() == [ADA]


async def test_links_cost_a_pass_no_statement(environment: Environment, reader: Reader) -> None:
    """They are signed, and not stored: a peak does not wait for them."""
    schedule = await environment.create(destinations=[{**MAIL, "to": [ADA]}])
    without: set[str] = set()
    with_links: list[set[str]] = []
    for wanted in (False, True) * 3:
        changes: dict[str, Any] = {"download_links": wanted, "unsubscribe_links": wanted}
        environment.settings = environment.settings.model_copy(update=changes)
        with recorded(environment.database) as recorder:
            await environment.run_pass(schedule, await environment.request(schedule))
        asked = {statement for transaction in recorder.transactions for statement in transaction}
        if wanted:
            with_links.append(asked)
        else:
            without |= asked
    assert [bool(parcel.links) for parcel in reader.parcels] == [False, True] * 3
    # One pass may find a rendering that is there, or have to renew its lease; what links cost would be in each.
    assert set.intersection(*with_links) - without == set()
