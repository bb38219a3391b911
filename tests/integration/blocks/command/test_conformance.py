"""The channel conformance suite, against a program in sh and one in Perl."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from prefect_mailroom.channels.base import Channel, Destination, Grade
from prefect_mailroom.channels.command.allowed import VARIABLE
from prefect_mailroom.channels.command.channel import CommandChannel
from prefect_mailroom.channels.command.destination import CommandDestination
from prefect_mailroom.testing import ChannelConformance, parcel_for
from prefect_mailroom.testing.hard_cases import HardCases, HardFarSide, Opened
from tests.integration.blocks.command.programs import IN_PERL, IN_SH, written
from tests.support.programs import needs

TOKEN = "canary-of-the-program"
OTHERS = ("refuses", "hangs", "dies", "has-no-room", "slow")


class CommandFarSide(HardFarSide):
    deduplicates = True
    secrets = (TOKEN,)

    def __init__(self, folder: Path, name: str, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.inbox = folder, folder / "inbox"
        self.inbox.mkdir()
        self.program = written(folder, name, source)
        written(folder, "refuses", '#!/bin/sh\necho "no, $TOKEN" >&2\nexit 1\n')
        written(folder, "hangs", '#!/bin/sh\necho "wait, $TOKEN"\nsleep 300\n')
        written(folder, "dies", '#!/bin/sh\ncp "$1" "$INBOX/../half"\nkill -9 $$\n')
        written(folder, "has-no-room", "#!/bin/sh\nexit 75\n")
        written(folder, "slow", f'#!/bin/sh\nsleep 0.3\nexec {self.program} "$@"\n')
        programs = (self.program, *(folder / name for name in ("missing", *OTHERS)))
        monkeypatch.setenv(VARIABLE, " ".join(map(str, programs)))
        self.channel = self._channel(self.program)

    def _channel(self, program: Path, **settings: Any) -> CommandChannel:
        environment = {"INBOX": str(self.inbox), "TOKEN": TOKEN}
        return CommandChannel(program=str(program), environment=environment, **settings)

    def destination(self) -> Destination:
        return CommandDestination(connection="test")

    async def received(self) -> list[Mapping[str, bytes]]:
        places = sorted(self.inbox.iterdir(), key=lambda place: place.stat().st_mtime_ns)
        return [{file.name: file.read_bytes() for file in place.iterdir()} for place in places]

    async def shown(self) -> str:
        said = self.folder / "said"
        return said.read_text() if said.exists() else ""

    def unreachable(self) -> Channel:
        return self._channel(self.folder / "missing")

    def refusing(self) -> Opened:
        return self._opened("refuses")

    def silent(self) -> Opened:
        return self._opened("hangs", timeout_seconds=2)

    def cut_off(self) -> Opened:
        return self._opened("dies")

    def full(self) -> Opened:
        return self._opened("has-no-room")

    def slow(self) -> Opened:
        return self._opened("slow")

    @contextlib.asynccontextmanager
    async def _opened(self, name: str, **settings: Any) -> AsyncIterator[Channel]:
        yield self._channel(self.folder / name, **settings)


class TestSh(HardCases, ChannelConformance):
    @pytest.fixture
    def far_side(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandFarSide:
        return CommandFarSide(tmp_path, "keeps", IN_SH, monkeypatch)

    async def test_an_id_is_the_reference(self, far_side: CommandFarSide, tmp_path: Path) -> None:
        receipt = await far_side.channel.deliver(parcel_for(far_side, tmp_path, {"a.csv": b"1"}))
        assert (receipt.grade, receipt.reference) == (Grade.ACCEPTED_WITH_ID, "sh-key-1")
        assert receipt.detail["output"].startswith("kept ********\n")


class TestPerl(HardCases, ChannelConformance):
    @pytest.fixture
    def far_side(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandFarSide:
        needs("perl", "perl")
        return CommandFarSide(tmp_path, "keeps.pl", IN_PERL, monkeypatch)

    async def test_without_an_id_it_is_accepted(self, far_side: CommandFarSide, tmp_path: Path) -> None:
        receipt = await far_side.channel.deliver(parcel_for(far_side, tmp_path, {"a.csv": b"1"}))
        assert (receipt.grade, receipt.reference) == (Grade.ACCEPTED, "key-1")
        assert receipt.detail["output"] == "kept ********"
