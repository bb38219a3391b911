"""The conformance suite and the hard cases, against a receiver in Node with the standard's own verifier."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prefect_mailroom.channels.base import Channel, Destination, Grade
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.channels.webhook.destination import WebhookDestination
from prefect_mailroom.channels.webhook.expectation import Expectation
from prefect_mailroom.errors import ConfigurationError, MailroomError, OutcomeUnknown, Refused
from prefect_mailroom.testing import ChannelConformance
from prefect_mailroom.testing.hard_cases import HardCases, HardFarSide, Opened
from tests.integration.blocks.webhook.node_receiver import KEY, TOKEN, NodeReceiver, node_receiver
from tests.support.parcels import a_parcel

OTHER = "whsec_b3RoZXItc2lnbmluZy1rZXktb2YtMzItYnl0ZXMtIS0="


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeReceiver]:
    with node_receiver(tmp_path_factory.mktemp("node")) as receiver:
        yield receiver


@pytest.fixture
def receiver(running: NodeReceiver) -> NodeReceiver:
    running.forget()
    return running


class NodeFarSide(HardFarSide):
    deduplicates = True
    secrets = (KEY, TOKEN, "canary-in-url")

    def __init__(self, receiver: NodeReceiver, closed_port: int, payload: str, large_bytes: int) -> None:
        self.receiver, self.closed_port = receiver, closed_port
        self.payload: Any = payload
        self.large_bytes = large_bytes
        self.channel = receiver.channel()

    def destination(self) -> Destination:
        expect = Expectation(pointer="/status", equals="accepted", id_pointer="/job/id")
        return WebhookDestination(connection="test", payload=self.payload, expect=expect)

    async def received(self) -> list[Mapping[str, bytes]]:
        return self.receiver.files()

    async def shown(self) -> str:
        return "\n".join(one["body"] for one in self.receiver.taken())

    def unreachable(self) -> Channel:
        return self.receiver.channel(port=self.closed_port)

    def refusing(self) -> Opened:
        return _opened(self.receiver.channel("refuse"))

    def silent(self) -> Opened:
        return _opened(self.receiver.channel("silent", timeout_seconds=1))

    def wrong_credential(self) -> Opened:
        return _opened(self.receiver.channel(auth_secret="canary-of-somebody-else"))

    def wrong_identity(self) -> Opened:
        return _opened(self.receiver.channel(ca_certificates=""))

    def cut_off(self) -> Opened:
        return _opened(self.receiver.channel("cut"))

    def full(self) -> Opened:
        return _opened(self.receiver.channel("full"))

    def slow(self) -> Opened:
        return _opened(self.receiver.channel("slow"))


@contextlib.asynccontextmanager
async def _opened(channel: Channel) -> AsyncIterator[Channel]:
    yield channel


class TestMultipart(HardCases, ChannelConformance):
    @pytest.fixture
    def far_side(self, receiver: NodeReceiver, closed_port: int) -> NodeFarSide:
        return NodeFarSide(receiver, closed_port, "multipart", 8_000_000)


class TestInline(HardCases, ChannelConformance):
    @pytest.fixture
    def far_side(self, receiver: NodeReceiver, closed_port: int) -> NodeFarSide:
        return NodeFarSide(receiver, closed_port, "inline", 900_000)


@pytest.mark.parametrize("payload", ["facts", "link", "inline"])
async def test_the_standards_own_verifiers_accept_every_body(
    receiver: NodeReceiver, tmp_path: Path, payload: Any
) -> None:
    destination = WebhookDestination(connection="hook", payload=payload)
    parcel = a_parcel(tmp_path, destination, {"Übersicht 東京.csv": "größe;1\n".encode()}, media_type="text/csv")
    parcel = replace(parcel, links={file.sha256: f"https://reports.example.com/{file.sha256}" for file in parcel.files})
    await receiver.channel().deliver(parcel)
    [taken] = receiver.taken()
    [file] = json.loads(taken["body"])["data"]["files"]
    assert file.get("text") == ("größe;1\n" if payload == "inline" else None)
    assert file.get("url") == (f"https://reports.example.com/{file['sha256']}" if payload == "link" else None)


async def test_both_secrets_sign_while_they_rotate(receiver: NodeReceiver, tmp_path: Path) -> None:
    parcel = a_parcel(tmp_path, WebhookDestination(connection="hook"), {})
    await receiver.channel(signing_secret=OTHER, previous_signing_secret=f"whsec_{KEY}").deliver(parcel)
    assert len(receiver.taken()) == 1


@pytest.mark.parametrize("payload", ["facts", "multipart"])
async def test_another_secret_is_refused(receiver: NodeReceiver, tmp_path: Path, payload: Any) -> None:
    parcel = a_parcel(tmp_path, WebhookDestination(connection="hook", payload=payload), {"a.csv": b"1"})
    with pytest.raises(Refused):
        await receiver.channel(signing_secret=OTHER).deliver(parcel)
    assert receiver.taken() == []


async def test_a_lost_answer_leaves_one_copy(receiver: NodeReceiver, tmp_path: Path) -> None:
    destination = WebhookDestination(connection="hook", expect=Expectation(id_pointer="/job/id"))
    parcel = a_parcel(tmp_path, destination, {"a.csv": b"1"}, key="key-of-it")
    with pytest.raises(OutcomeUnknown):
        await receiver.channel("lost").deliver(parcel)
    receipt = await receiver.channel().deliver(replace(parcel, attempt=2))
    assert (receipt.grade, receipt.reference) == (Grade.ACCEPTED_WITH_ID, "job-key-of-it")
    assert receipt.detail["webhook_id"] == "key-of-it"
    assert len(receiver.taken()) == 1


async def test_check_goes_step_by_step(receiver: NodeReceiver, closed_port: int) -> None:
    steps = Steps()
    assert "127.0.0.1" in await receiver.channel().check(steps)
    assert [step.name for step in steps.done] == [
        StepName.RESOLVE,
        StepName.CONNECT,
        StepName.ENCRYPT,
        StepName.ANSWER,
    ]
    assert all(step.ok and step.message for step in steps.done)
    assert "1 more days" in steps.done[2].message, "It is good for two days, one of which is whole."
    for channel, last in (
        (receiver.channel(ca_certificates=""), StepName.ENCRYPT),
        (receiver.channel(auth_secret="other"), StepName.ANSWER),
        (receiver.channel(port=closed_port), StepName.CONNECT),
    ):
        steps = Steps()
        with pytest.raises(MailroomError):
            await channel.check(steps)
        assert [(step.name, step.ok) for step in steps.done][-1] == (last, False)


async def test_links_that_cannot_be_made_are_refused(receiver: NodeReceiver, tmp_path: Path) -> None:
    parcel = a_parcel(tmp_path, WebhookDestination(connection="hook", payload="link"), {"a.csv": b"1"})
    with pytest.raises(ConfigurationError) as caught:
        await receiver.channel().deliver(parcel)
    assert (caught.value.field, receiver.taken()) == ("payload", [])


@pytest.mark.parametrize(("payload", "size"), [("inline", 1_000_001), ("multipart", 100_000_001)])
async def test_what_is_too_large_is_refused_and_nothing_is_sent(
    receiver: NodeReceiver, tmp_path: Path, payload: Any, size: int
) -> None:
    parcel = a_parcel(tmp_path, WebhookDestination(connection="hook", payload=payload), {"a.csv": b""})
    [file] = parcel.files
    with file.path.open("wb") as large:
        large.truncate(size)
    with pytest.raises(Refused):
        await receiver.channel().deliver(replace(parcel, files=(replace(file, size=size),)))
    assert receiver.taken() == []
