"""For tests of channels, ours and yours: a channel that records, and the suite that every channel passes.

Subclass `ChannelConformance` in a test module, give it a fixture `far_side`, and run it with pytest-asyncio in its
auto mode:

    class TestMyChannel(ChannelConformance):
        @pytest.fixture
        async def far_side(self): ...
            yield MyFarSide(...)
"""

from __future__ import annotations

import hashlib
import json
import traceback
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import PrivateAttr

from prefect_mailroom.channels.base import Channel, Destination, Parcel, ParcelFile, Receipt
from prefect_mailroom.errors import (
    ConfigurationError,
    DeliveryError,
    MailroomError,
    OutcomeUnknown,
    Refused,
    RetryLater,
)


class RecordingDestination(Destination):
    """A destination that leads into a `RecordingChannel`."""

    channel: Literal["recording"] = "recording"

    def for_test(self, caller: str) -> RecordingDestination:
        """Itself: nobody but the test reads it."""
        return self


class RecordingChannel(Channel):
    """A channel that keeps what it is given in memory and never takes the same key twice."""

    _block_type_name = "Mailroom Recording"
    _block_type_slug = "mailroom-recording"

    kind: ClassVar[str] = "recording"
    destination_type: ClassVar[type[Destination]] = RecordingDestination

    _taken: dict[str, dict[str, bytes]] = PrivateAttr(default_factory=dict)
    _outcomes: list[MailroomError] = PrivateAttr(default_factory=list)
    _parcels: list[Parcel] = PrivateAttr(default_factory=list)

    @property
    def parcels(self) -> list[Parcel]:
        """Every parcel tried, in order, failed and repeated ones too."""
        return self._parcels

    @property
    def taken(self) -> dict[str, dict[str, bytes]]:
        """Parcel key -> file name -> content, of what was delivered."""
        return self._taken

    def fail_next(self, *errors: MailroomError) -> None:
        """Raise these, one for each of the next attempts, before anything is taken."""
        self._outcomes.extend(errors)

    async def transfer(self, parcel: Parcel) -> Receipt:
        """Record the parcel, or raise what `fail_next` ordered."""
        self._parcels.append(parcel)
        if self._outcomes:
            raise self._outcomes.pop(0)
        was_there = parcel.key in self._taken
        if not was_there:
            self._taken[parcel.key] = {file.filename: file.path.read_bytes() for file in parcel.files}
        return Receipt(reference=parcel.key, detail={"was_there": was_there, "files": len(parcel.files)})

    async def check(self) -> str:
        """Raise what `fail_next` ordered, or say that it records."""
        if self._outcomes:
            raise self._outcomes.pop(0)
        return "Records in memory."


class FarSide(ABC):
    """What the suite needs to know about a channel's other end. `channel` is connected to one that works.

    Attributes:
        secrets: every secret that the connection holds; none may show up anywhere.
        deduplicates: whether the same key twice leaves one delivery at the far side.
        carries_files: whether the files themselves arrive.
    """

    channel: Channel
    secrets: tuple[str, ...] = ()
    deduplicates: bool = False
    carries_files: bool = True

    @abstractmethod
    def destination(self) -> Destination:
        """A valid destination there."""

    @abstractmethod
    async def received(self) -> list[Mapping[str, bytes]]:
        """File name -> content, for each delivery that arrived, oldest first."""

    @abstractmethod
    def unreachable(self) -> Channel:
        """The same kind of channel, to where nothing is."""

    @abstractmethod
    def refusing(self) -> AbstractAsyncContextManager[Channel]:
        """A channel whose far side says no for good."""

    @abstractmethod
    def silent(self) -> AbstractAsyncContextManager[Channel] | None:
        """A channel whose far side takes the parcel and never answers, or None where that cannot be."""


def parcel_for(far_side: FarSide, folder: Path, files: Mapping[str, bytes], *, key: str = "key-1") -> Parcel:
    """A parcel for the first recipient of the far side's destination, its files written to `folder`."""
    destination = far_side.destination()
    parcel_files = []
    for index, (name, content) in enumerate(files.items()):
        path = folder / f"artifact-{index}"
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        parcel_files.append(ParcelFile(path, name, "application/octet-stream", len(content), digest))
    return Parcel(
        key=key,
        attempt=1,
        recipient=destination.recipients()[0],
        destination=destination,
        files=tuple(parcel_files),
        subject="Conformance",
        text="A test.",
        variables={
            "report_name": "Conformance",
            "report_slug": "conformance",
            "schedule_name": "suite",
            "date": date(2026, 2, 9),
            "due": datetime(2026, 2, 9, 9, 0, tzinfo=UTC),
            "execution_id": "e-1",
        },
        facts={"report": "conformance"},
    )


class ChannelConformance:
    """What every channel promises. `far_side` is the fixture that a subclass gives."""

    FILES: ClassVar[Mapping[str, bytes]] = {
        "report.pdf": bytes(range(256)) * 500,
        "Übersicht & 東京 (März).csv": "größe;1\r\n.\r\n..leading\n\n".encode(),
        "empty.json": b"",
    }

    async def test_far_side_has_exactly_the_bytes(self, far_side: FarSide, tmp_path: Path) -> None:
        """What arrives is what was rendered, name by name and byte by byte."""
        await far_side.channel.deliver(parcel_for(far_side, tmp_path, self.FILES))
        received = await far_side.received()
        assert received == [self.FILES if far_side.carries_files else {}]

    async def test_same_key_twice(self, far_side: FarSide, tmp_path: Path) -> None:
        """A repeated key makes no second delivery where the channel can promise that."""
        parcel = parcel_for(far_side, tmp_path, {"a.csv": b"1"})
        await far_side.channel.deliver(parcel)
        await far_side.channel.deliver(replace(parcel, attempt=2))
        assert len(await far_side.received()) == (1 if far_side.deduplicates else 2)

    async def test_no_files(self, far_side: FarSide, tmp_path: Path) -> None:
        """A parcel without files is delivered, not an error."""
        receipt = await far_side.channel.deliver(parcel_for(far_side, tmp_path, {}))
        assert receipt.reference

    async def test_receipt_is_json_and_holds_no_secret(self, far_side: FarSide, tmp_path: Path) -> None:
        """A receipt can be stored and shown as it is."""
        receipt = await far_side.channel.deliver(parcel_for(far_side, tmp_path, {"a.csv": b"1"}))
        told = json.dumps({"reference": receipt.reference, "detail": receipt.detail})
        assert receipt.reference
        assert receipt.confirmed_at.tzinfo is not None
        _assert_without(far_side.secrets, told)

    async def test_unreachable_is_never_a_success(self, far_side: FarSide, tmp_path: Path) -> None:
        """Nothing there: try later, or a person must look; nothing can have arrived."""
        channel = far_side.unreachable()
        error = await _failure(channel.deliver(parcel_for(far_side, tmp_path, {"a.csv": b"1"})))
        assert isinstance(error, RetryLater | ConfigurationError), repr(error)
        assert str(error)
        _assert_without(far_side.secrets, _everything_about(error))

    async def test_refused_is_for_good(self, far_side: FarSide, tmp_path: Path) -> None:
        """A far side that says no for good is not tried again."""
        async with far_side.refusing() as channel:
            error = await _failure(channel.deliver(parcel_for(far_side, tmp_path, {"a.csv": b"1"})))
        assert isinstance(error, Refused), repr(error)
        _assert_without(far_side.secrets, _everything_about(error))

    async def test_silence_is_not_a_success(self, far_side: FarSide, tmp_path: Path) -> None:
        """No answer within the time: unknown, or later where nothing can have been taken."""
        context = far_side.silent()
        if context is None:
            return
        async with context as channel:
            error = await _failure(channel.deliver(parcel_for(far_side, tmp_path, {"a.csv": b"1"})))
        assert isinstance(error, OutcomeUnknown | RetryLater), repr(error)
        _assert_without(far_side.secrets, _everything_about(error))

    async def test_check(self, far_side: FarSide) -> None:
        """`check` says something about a far side that works, delivers nothing, and fails clearly otherwise."""
        assert await far_side.channel.check()
        assert await far_side.received() == []
        error = await _failure(far_side.unreachable().check())
        assert isinstance(error, RetryLater | ConfigurationError), repr(error)
        _assert_without(far_side.secrets, _everything_about(error))

    async def test_secrets_stay_inside(self, far_side: FarSide) -> None:
        """Neither the text forms of the block nor its JSON schema show a secret."""
        channel = far_side.channel
        _assert_without(far_side.secrets, f"{channel!r} {channel!s} {json.dumps(type(channel).model_json_schema())}")

    async def test_settings_are_described(self, far_side: FarSide) -> None:
        """Kind, slug and destination type agree, so that a connection can be found by its kind."""
        channel = type(far_side.channel)
        assert channel.get_block_type_slug() == f"mailroom-{channel.kind}"
        assert isinstance(far_side.destination(), channel.destination_type)
        assert far_side.destination().channel == channel.kind


async def _failure(awaitable: Any) -> MailroomError:
    try:
        outcome = await awaitable
    except (DeliveryError, ConfigurationError) as error:
        return error
    raise AssertionError(f"It succeeded, and should not have: {outcome!r}")


def _everything_about(error: BaseException) -> str:
    return f"{error!r} {''.join(traceback.format_exception(error))}"


def _assert_without(secrets: tuple[str, ...], told: str) -> None:
    shown = [secret for secret in secrets if secret in told]
    assert not shown, "A secret shows."
