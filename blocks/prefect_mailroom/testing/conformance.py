"""The suite that every channel passes, run against its real far side.

Subclass `ChannelConformance` in a test module, give it a fixture `far_side`, and run it with pytest-asyncio in its
auto mode:

    class TestMyChannel(ChannelConformance):
        @pytest.fixture
        async def far_side(self): ...
            yield MyFarSide(...)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from prefect_mailroom.channels.base import Destination, Place
from prefect_mailroom.channels.steps import Steps
from prefect_mailroom.errors import (
    ConfigurationError,
    OutcomeUnknown,
    Refused,
    RetryLater,
)
from prefect_mailroom.testing.destinations import DestinationConformance
from prefect_mailroom.testing.far_side import FarSide, parcel_for
from prefect_mailroom.testing.outcomes import assert_without, everything_about, failure


class ChannelConformance(DestinationConformance):
    """The promises of every channel. `far_side` is the fixture that a subclass gives."""

    FILES: ClassVar[Mapping[str, bytes]] = {
        "report.pdf": bytes(range(256)) * 500,
        "Übersicht & 東京 (März).csv": "größe;1\r\n.\r\n..leading\n\n".encode(),
        "empty.json": b"",
    }

    async def test_far_side_has_exactly_the_bytes(self, far_side: FarSide, tmp_path: Path) -> None:
        """The far side gets what was rendered, name by name and byte by byte."""
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
        assert_without(far_side.secrets, told)

    async def test_unreachable_is_never_a_success(self, far_side: FarSide, tmp_path: Path) -> None:
        """Nothing has arrived if nothing answers: the delivery is tried later, or a person must act."""
        channel = far_side.unreachable()
        error = await failure(channel.deliver(parcel_for(far_side, tmp_path, {"a.csv": b"1"})))
        assert isinstance(error, RetryLater | ConfigurationError), repr(error)
        assert str(error)
        assert_without(far_side.secrets, everything_about(error))

    async def test_refused_is_for_good(self, far_side: FarSide, tmp_path: Path) -> None:
        """A delivery that the far side refuses for good is not tried again."""
        async with far_side.refusing() as channel:
            error = await failure(channel.deliver(parcel_for(far_side, tmp_path, {"a.csv": b"1"})))
        assert isinstance(error, Refused), repr(error)
        assert_without(far_side.secrets, everything_about(error))

    async def test_silence_is_not_a_success(self, far_side: FarSide, tmp_path: Path) -> None:
        """Without an answer in time the outcome is unknown, or later where nothing can have been taken."""
        context = far_side.silent()
        if context is None:
            return
        async with context as channel:
            error = await failure(channel.deliver(parcel_for(far_side, tmp_path, {"a.csv": b"1"})))
        assert isinstance(error, OutcomeUnknown | RetryLater), repr(error)
        assert_without(far_side.secrets, everything_about(error))

    async def test_check(self, far_side: FarSide) -> None:
        """`check` says something about a far side that works, delivers nothing, and fails clearly otherwise."""
        assert await far_side.channel.check(Steps())
        assert await far_side.received() == []
        error = await failure(far_side.unreachable().check(Steps()))
        assert isinstance(error, RetryLater | ConfigurationError), repr(error)
        assert_without(far_side.secrets, everything_about(error))

    async def test_reach(self, far_side: FarSide) -> None:
        """`reach` delivers nothing, says that a far side is there or that nobody can tell, and fails where none is."""
        told = [await far_side.channel.reach(Steps(), seconds=20) for _ in range(2)]
        assert told[0] is told[1]
        assert await far_side.received() == []
        if told[0]:
            error = await failure(far_side.unreachable().reach(Steps(), seconds=20))
            assert isinstance(error, RetryLater | ConfigurationError), repr(error)
            assert_without(far_side.secrets, everything_about(error))

    async def test_secrets_stay_inside(self, far_side: FarSide) -> None:
        """Neither the text forms of the block nor its JSON schema show a secret."""
        channel = far_side.channel
        assert_without(far_side.secrets, f"{channel!r} {channel!s} {json.dumps(type(channel).model_json_schema())}")

    async def test_settings_are_described(self, far_side: FarSide) -> None:
        """Kind, slug and destination type agree, so that a connection can be found by its kind."""
        channel = type(far_side.channel)
        assert channel.get_block_type_slug() == f"mailroom-{channel.kind}"
        assert isinstance(far_side.destination(), channel.destination_type)
        assert far_side.destination().channel == channel.kind

    async def test_destination_of_another_channel_is_refused(self, far_side: FarSide, tmp_path: Path) -> None:
        """A connection delivers for destinations of its own channel only."""
        parcel = parcel_for(far_side, tmp_path, {"a.csv": b"1"}, destination=_Foreign(connection="test"))
        error = await failure(far_side.channel.deliver(parcel))
        assert isinstance(error, ConfigurationError), repr(error)
        assert await far_side.received() == []


class _Foreign(Destination):
    """A destination of a channel that does not exist."""

    channel: Literal["foreign"] = "foreign"

    def templates(self) -> Mapping[str, str]:
        return {}

    def places(self) -> list[Place]:
        return []

    def for_test(self, caller: str) -> None:
        return None
