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
from prefect_mailroom.testing import ChannelConformance, FarSide, parcel_for
from tests.integration.blocks.command.programs import IN_PERL, IN_SH, written
from tests.support.programs import needs

TOKEN = "canary-of-the-program"


class CommandFarSide(FarSide):
    deduplicates = True
    secrets = (TOKEN,)

    def __init__(self, folder: Path, name: str, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.inbox = folder, folder / "inbox"
        self.inbox.mkdir()
        self.program = written(folder, name, source)
        self.missing, self.refuses, self.hangs = folder / "missing", folder / "refuses", folder / "hangs"
        written(folder, "refuses", '#!/bin/sh\necho "no, $TOKEN" >&2\nexit 1\n')
        written(folder, "hangs", '#!/bin/sh\necho "wait, $TOKEN"\nsleep 300\n')
        programs = (self.program, self.missing, self.refuses, self.hangs)
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
        return self._channel(self.missing)

    @contextlib.asynccontextmanager
    async def refusing(self) -> AsyncIterator[Channel]:
        yield self._channel(self.refuses)

    @contextlib.asynccontextmanager
    async def silent(self) -> AsyncIterator[Channel]:
        yield self._channel(self.hangs, timeout_seconds=2)


class TestSh(ChannelConformance):
    @pytest.fixture
    def far_side(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandFarSide:
        return CommandFarSide(tmp_path, "keeps", IN_SH, monkeypatch)

    async def test_an_id_is_the_reference(self, far_side: CommandFarSide, tmp_path: Path) -> None:
        receipt = await far_side.channel.deliver(parcel_for(far_side, tmp_path, {"a.csv": b"1"}))
        assert (receipt.grade, receipt.reference) == (Grade.ACCEPTED_WITH_ID, "sh-key-1")
        assert receipt.detail["output"].startswith("kept ********\n")


class TestPerl(ChannelConformance):
    @pytest.fixture
    def far_side(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandFarSide:
        needs("perl", "perl")
        return CommandFarSide(tmp_path, "keeps.pl", IN_PERL, monkeypatch)

    async def test_without_an_id_it_is_accepted(self, far_side: CommandFarSide, tmp_path: Path) -> None:
        receipt = await far_side.channel.deliver(parcel_for(far_side, tmp_path, {"a.csv": b"1"}))
        assert (receipt.grade, receipt.reference) == (Grade.ACCEPTED, "key-1")
        assert receipt.detail["output"] == "kept ********"
