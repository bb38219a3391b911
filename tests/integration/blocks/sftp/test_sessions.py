"""Sessions are kept for the next delivery, at most two at once, and never those of another process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from prefect_mailroom.channels.remote.sessions import KEPT
from prefect_mailroom.channels.sftp.channel import SftpChannel
from prefect_mailroom.channels.sftp.destination import SftpDestination
from prefect_mailroom.errors import ConfigurationError, Refused
from tests.integration.blocks.sftp.far_side import channel_to, files_below
from tests.support.remote.parcels import parcel_to
from tests.support.remote.proxy import Network, network_to
from tests.support.remote.scripted import Script
from tests.support.remote.servers import SftpServer
from tests.support.waiting import eventually


@pytest.fixture
async def network(server: SftpServer) -> AsyncIterator[Network]:
    async with network_to(server.port) as network:
        yield network
        KEPT.close_all()


@pytest.fixture
def channel(server: SftpServer, network: Network) -> SftpChannel:
    return channel_to(server, port=network.port)


async def deliver(channel: SftpChannel, folder: Path, name: str, **settings: Any) -> None:
    destination = SftpDestination(connection="out", path="{file_name}", **settings)
    await channel.deliver(parcel_to(destination, folder, {name: name.encode()}, key=f"key-{name}"))


async def test_session_is_kept_for_the_same_settings_only(
    channel: SftpChannel, server: SftpServer, network: Network, tmp_path: Path
) -> None:
    for number in range(3):
        await deliver(channel, tmp_path, f"{number}.csv")
    assert network.opened == 1
    with pytest.raises(ConfigurationError):
        await deliver(channel_to(server, port=network.port, password="wrong"), tmp_path, "4.csv")
    with pytest.raises(ConfigurationError):
        await deliver(channel_to(server, port=network.port, host_key=""), tmp_path, "5.csv")
    assert network.opened == 3
    assert sorted(files_below(server.root)) == ["0.csv", "1.csv", "2.csv"]


async def test_at_most_two_at_once(channel: SftpChannel, server: SftpServer, network: Network, tmp_path: Path) -> None:
    network.delay = 0.005
    await asyncio.gather(*(deliver(channel, tmp_path, f"{number}.csv") for number in range(8)))
    assert network.most == network.opened == 2
    assert len(files_below(server.root)) == 8


async def test_session_that_died_meanwhile_is_replaced(channel: SftpChannel, network: Network, tmp_path: Path) -> None:
    await deliver(channel, tmp_path, "1.csv")
    network.cut_all()
    await deliver(channel, tmp_path, "2.csv")
    assert network.opened == 2


async def test_kept_session_that_does_not_answer_is_replaced(
    channel: SftpChannel, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefect_mailroom.channels.remote.sessions._ASK_SECONDS", 0.3)
    await deliver(channel, tmp_path, "1.csv")
    network.silent_after = network.sent
    delivering = asyncio.create_task(deliver(channel, tmp_path, "2.csv"))
    await eventually(lambda: network.opened == 2, pause=0.001)
    network.silent_after = None
    await delivering


async def test_session_survives_a_refusal(
    channel: SftpChannel, server: SftpServer, network: Network, tmp_path: Path
) -> None:
    (server.root / "1.csv").write_bytes(b"of another")
    with pytest.raises(Refused):
        await deliver(channel, tmp_path, "1.csv", if_exists="fail")
    await deliver(channel, tmp_path, "2.csv")
    assert network.opened == 1


async def test_idle_sessions_are_closed(channel: SftpChannel, network: Network, tmp_path: Path) -> None:
    await deliver(channel, tmp_path, "1.csv")
    KEPT.close_idle(60)
    assert network.open == 1
    KEPT.close_idle(0)
    await eventually(lambda: network.open == 0, pause=0.01)


async def test_forked_child_never_uses_its_parents_session(
    channel: SftpChannel, server: SftpServer, network: Network, script: Script, tmp_path: Path
) -> None:
    await deliver(channel, tmp_path, "1.csv")
    key = channel._server().digest()
    assert KEPT.count(key) == 1
    child = os.fork()
    if child == 0:
        import gc

        found = KEPT.take(key)
        gc.collect()
        os._exit(0 if found is None else 1)
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    await deliver(channel, tmp_path, "2.csv")
    assert (network.opened, script.logins) == (1, 1)
