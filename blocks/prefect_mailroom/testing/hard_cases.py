"""Run the hard cases of a channel against a far side that can be made to misbehave.

Derive the far side from `HardFarSide` instead of `FarSide` and give it the hooks that its server can do; the others
answer None, and their tests check nothing. Then add the mixin to the suite:

    class TestMyChannel(HardCases, ChannelConformance):
        @pytest.fixture
        async def far_side(self): ...
            yield MyFarSide(...)

Each hook opens a context with a channel to the far side in that state; at its end the far side is well again, so that
`far_side.channel` works afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from prefect_mailroom.channels.base import Channel
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError, OutcomeUnknown, Refused, RetryLater
from prefect_mailroom.testing.destinations import CALLER
from prefect_mailroom.testing.far_side import FarSide, parcel_for
from prefect_mailroom.testing.outcomes import assert_without, everything_about, failure

Opened = AbstractAsyncContextManager[Channel]


class HardFarSide(FarSide):
    """Make a far side misbehave; a subclass says in which ways it can, and by default there are none.

    Attributes:
        large_bytes: the size of a large file within the channel's limit.
    """

    large_bytes: int = 8_000_000

    def wrong_credential(self) -> Opened | None:
        """Open a channel whose login the far side refuses."""
        return None

    def wrong_identity(self) -> Opened | None:
        """Open a channel to a far side with another host key, or with a certificate that is not trusted."""
        return None

    def cut_off(self) -> Opened | None:
        """Open a channel whose connection breaks while the content is on its way, or right after it."""
        return None

    def full(self) -> Opened | None:
        """Open a channel to a far side that has no room: a full disk, or a quota."""
        return None

    def slow(self) -> Opened | None:
        """Open a channel to a far side that takes its time, yet less than the channel's timeout."""
        return None

    async def reached(self) -> list[str] | None:
        """Return whom each delivery that arrived reached, in order; None where the far side cannot say."""
        return None


class HardCases:
    """Test every channel while its far side misbehaves. `far_side` is the fixture that a subclass gives."""

    HOSTILE: ClassVar[Mapping[str, bytes]] = {
        "../../outside.csv": b"1",
        "a\r\nBcc: evil@example.com\r\n.csv": b"2",
        '"quoted"; filename=other.exe': b"3",
        "-rf.csv": b"4",
        "CON.txt": b"5",
        "\u202egnp.exe": b"6",
        "\u00dcbersicht \u6771\u4eac \U0001f4c8.csv": b"7",
        "x" * 300 + ".csv": b"8",
        ".hidden": b"9",
        "100%.csv": b"10",
    }

    async def test_wrong_credential(self, far_side: HardFarSide, tmp_path: Path) -> None:
        """A login that is refused needs a person: nothing is tried again, and no secret is told."""
        opened = far_side.wrong_credential()
        if opened is None:
            return
        async with opened as channel:
            error = await failure(channel.deliver(parcel_for(far_side, tmp_path, {"a.csv": b"1"})))
            steps = Steps()
            checked = await failure(channel.check(steps))
            reached = Steps()
            try:
                await channel.reach(reached, seconds=20)
            except ConfigurationError as refused:
                assert_without(far_side.secrets, everything_about(refused))
        for one in (error, checked):
            assert isinstance(one, ConfigurationError), repr(one)
            assert one.remedy
            assert_without(far_side.secrets, everything_about(one))
        assert [step.ok for step in steps.done][-1:] == [False]
        # Whoever sends the credential says so, since a refused one is not to be sent again and again.
        assert [step.name for step in reached.done if not step.ok] in ([], [StepName.LOGIN])
        assert await far_side.received() == []

    async def test_wrong_identity(self, far_side: HardFarSide, tmp_path: Path) -> None:
        """Nothing is sent to a far side that is not who it should be."""
        opened = far_side.wrong_identity()
        if opened is None:
            return
        async with opened as channel:
            error = await failure(channel.deliver(parcel_for(far_side, tmp_path, {"a.csv": b"1"})))
            checked = await failure(channel.check(Steps()))
        for one in (error, checked):
            assert isinstance(one, ConfigurationError), repr(one)
            assert one.remedy
            assert_without(far_side.secrets, everything_about(one))
        assert await far_side.received() == []

    async def test_cut_off(self, far_side: HardFarSide, tmp_path: Path) -> None:
        """A connection that breaks is no success; the next attempt delivers, and no half of a file is ever seen."""
        opened = far_side.cut_off()
        if opened is None:
            return
        files = {"a.csv": b"0123456789" * 50_000}
        parcel = parcel_for(far_side, tmp_path, files)
        async with opened as channel:
            error = await failure(channel.deliver(parcel))
        assert isinstance(error, OutcomeUnknown | RetryLater), repr(error)
        assert_without(far_side.secrets, everything_about(error))
        await far_side.channel.deliver(replace(parcel, attempt=2))
        received = await far_side.received()
        copies = 1 if far_side.deduplicates or isinstance(error, RetryLater) else 2
        assert 1 <= len(received) <= copies
        assert all(one == (files if far_side.carries_files else {}) for one in received)

    async def test_full(self, far_side: HardFarSide, tmp_path: Path) -> None:
        """A far side without room has a definite outcome, and nothing of the parcel is seen there."""
        opened = far_side.full()
        if opened is None:
            return
        async with opened as channel:
            error = await failure(channel.deliver(parcel_for(far_side, tmp_path, {"a.csv": b"x" * 300_000})))
        assert isinstance(error, RetryLater | Refused), repr(error)
        assert_without(far_side.secrets, everything_about(error))
        assert await far_side.received() == []

    async def test_slow(self, far_side: HardFarSide, tmp_path: Path) -> None:
        """A far side that is slow gets everything."""
        opened = far_side.slow()
        if opened is None:
            return
        files = {"a.csv": b"slow" * 1000}
        async with opened as channel:
            await channel.deliver(parcel_for(far_side, tmp_path, files))
        assert await far_side.received() == [files if far_side.carries_files else {}]

    async def test_cancelled(self, far_side: HardFarSide, tmp_path: Path) -> None:
        """An attempt that is cancelled on its way leaves nothing behind that breaks the next one."""
        opened = far_side.slow() or far_side.silent()
        if opened is None:
            return
        files = {"a.csv": b"cancelled" * 1000}
        async with opened as channel:
            sending = asyncio.create_task(channel.deliver(parcel_for(far_side, tmp_path, files)))
            await asyncio.wait({sending}, timeout=0.2)  # Wherever it is by then, the promise is the same.
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        before = len(await far_side.received())
        files = {"b.csv": b"the next one" * 1000}
        await far_side.channel.deliver(parcel_for(far_side, tmp_path, files, key="key-2"))
        received = await far_side.received()
        if not far_side.carries_files:
            assert len(received) == before + 1
        else:
            assert "b.csv" in received[-1]
            assert received[-1]["b.csv"] == files["b.csv"]

    async def test_hostile_names(self, far_side: HardFarSide, tmp_path: Path) -> None:
        """Whatever a file is called, its content arrives under a name that is one harmless name."""
        await far_side.channel.deliver(parcel_for(far_side, tmp_path, self.HOSTILE))
        if not far_side.carries_files:
            return
        [received] = await far_side.received()
        assert sorted(received.values()) == sorted(self.HOSTILE.values())
        for name in received:
            assert name.isprintable()
            assert not set(name) & set('/\\"\r\n'), name
            assert name not in ("", ".", "..")
            assert len(name.encode()) <= 255

    async def test_empty_and_large_files(self, far_side: HardFarSide, tmp_path: Path) -> None:
        """A file of no bytes and a large one arrive as they are."""
        files = {"empty.bin": b"", "large.bin": bytes(range(256)) * (far_side.large_bytes // 256)}
        await far_side.channel.deliver(parcel_for(far_side, tmp_path, files))
        received = await far_side.received()
        # Compared by hand: pytest would print the difference of such files for minutes.
        assert len(received) == 1
        assert not far_side.carries_files or received[0] == files, "The files differ."

    async def test_a_test_reaches_the_tester_alone(self, far_side: HardFarSide, tmp_path: Path) -> None:
        """A test delivery reaches the person who tests, and nobody whom the destination names."""
        tested = far_side.destination().for_test(CALLER)
        if tested is None:
            return
        for recipient in tested.recipients():
            parcel = parcel_for(far_side, tmp_path, {"a.csv": b"1"}, destination=tested)
            await far_side.channel.deliver(replace(parcel, recipient=recipient, is_test=True))
        reached = await far_side.reached()
        if reached is not None:
            assert set(reached) == {CALLER}
