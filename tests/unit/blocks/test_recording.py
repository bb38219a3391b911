"""The fake that other tests stand on: it keeps to its script, for each recipient, from any task and thread."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from prefect_mailroom.channels.base import Parcel
from prefect_mailroom.errors import OutcomeUnknown, Refused, RetryLater
from prefect_mailroom.testing import Answer, Recorder, RecordingChannel, RecordingDestination

ADA, BOB = "ada@example.com", "bob@example.com"


def a_parcel(recipient: str = ADA, key: str = "key-1") -> Parcel:
    destination = RecordingDestination(connection="test", to=[ADA, BOB])
    return Parcel(key=key, attempt=1, recipient=recipient, destination=destination)


async def test_answers_of_a_recipient_come_before_answers_for_anybody() -> None:
    channel = RecordingChannel()
    channel.recorder.answer_next(Refused("No."), recipient=BOB)
    channel.recorder.answer_next(RetryLater("Busy."))
    with pytest.raises(RetryLater):
        await channel.deliver(a_parcel(ADA))
    with pytest.raises(Refused):
        await channel.deliver(a_parcel(BOB))
    await channel.deliver(a_parcel(BOB, "key-2"))
    assert [parcel.recipient for parcel in channel.parcels] == [ADA, BOB, BOB]
    assert len(channel.recorder.tried(BOB)) == 2
    assert list(channel.taken) == ["key-2"]


async def test_standing_answers_last_until_they_are_taken_back() -> None:
    channel = RecordingChannel()
    channel.recorder.answer_always(RetryLater("Down."), recipient=ADA)
    for _ in range(3):
        with pytest.raises(RetryLater):
            await channel.deliver(a_parcel(ADA))
    await channel.deliver(a_parcel(BOB, "key-2"))
    channel.recorder.answer_always(None, recipient=ADA)
    await channel.deliver(a_parcel(ADA))
    assert set(channel.taken) == {"key-1", "key-2"}


async def test_a_lost_answer_leaves_the_parcel_taken() -> None:
    channel = RecordingChannel()
    channel.recorder.answer_next(Answer(OutcomeUnknown("No answer."), takes=True))
    with pytest.raises(OutcomeUnknown):
        await channel.deliver(a_parcel())
    receipt = await channel.deliver(a_parcel())
    assert receipt.detail["was_there"]
    assert channel.recorder.receipts == [receipt]


async def test_a_death_is_caught_by_nobody() -> None:
    class Killed(BaseException):
        pass

    channel = RecordingChannel()
    channel.recorder.answer_next(Answer(Killed(), takes=True))
    with pytest.raises(Killed):
        await channel.deliver(a_parcel())
    assert list(channel.taken) == ["key-1"]


async def test_a_transfer_can_be_held() -> None:
    channel, arrived, go_on = RecordingChannel(), asyncio.Event(), asyncio.Event()

    async def hold(_parcel: Parcel) -> None:
        arrived.set()
        await go_on.wait()

    channel.recorder.answer_next(Answer(takes=True, first=hold), recipient=ADA)
    held = asyncio.create_task(channel.deliver(a_parcel(ADA)))
    await arrived.wait()
    await channel.deliver(a_parcel(BOB, "key-2"))
    assert list(channel.taken) == ["key-2"]
    go_on.set()
    await held
    assert set(channel.taken) == {"key-1", "key-2"}


async def test_copies_of_a_connection_share_a_recorder_by_its_name() -> None:
    name = uuid4().hex
    first = RecordingChannel(shared_as=name)
    second = RecordingChannel.model_validate(first.model_dump())
    await first.deliver(a_parcel())
    assert (await second.deliver(a_parcel())).detail["was_there"]
    assert len(Recorder.named(name).parcels) == 2
    assert RecordingChannel().parcels == []
    Recorder.forget(name)
    assert Recorder.named(name).parcels == []
    Recorder.forget(name)


def test_threads_share_a_script_without_losing_an_answer() -> None:
    channel = RecordingChannel()
    channel.recorder.answer_next(*(RetryLater("Busy.") for _ in range(50)))

    def attempt(number: int) -> bool:
        try:
            asyncio.run(channel.deliver(a_parcel(key=f"key-{number}")))
        except RetryLater:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(200)))
    assert outcomes.count(False) == 50
    assert len(channel.parcels) == 200
    assert len(channel.taken) == 150
