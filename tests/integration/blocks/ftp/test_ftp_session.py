"""The encrypted session: what real servers demand of it, how long it is kept, and how it is cut off."""

from __future__ import annotations

import asyncio
import contextlib
import filecmp
import ftplib
import hashlib
import io
import ssl
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from prefect_mailroom.channels.base import ParcelFile
from prefect_mailroom.channels.remote.sessions import KEPT
from prefect_mailroom.errors import ConfigurationError
from tests.integration.blocks.ftp.parcels import a_parcel
from tests.support.ftp.daemons import PASSWORD, FtpServer
from tests.support.ftp.scripted import ScriptedServer, hang_up
from tests.support.waiting import eventually


def connections_to(server: FtpServer) -> list[Any]:
    """Return our connections to the server that are not closed: of a session and of its data."""
    theirs: set[int] = set()
    for session in psutil.Process(server.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # It has ended meanwhile.
            theirs |= {one.laddr.port for one in session.net_connections("tcp")}
    return [one for one in psutil.Process().net_connections("tcp") if one.raddr and one.raddr.port in theirs]


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_vsftpd_refuses_the_standard_librarys_client_and_takes_ours(
    vsftpd: FtpServer, channel_to: Any, tmp_path: Path, newest: ssl.TLSVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.create_default_context(cadata=vsftpd.ca)
    context.maximum_version = newest
    with ftplib.FTP_TLS(context=context) as theirs:
        theirs.connect("127.0.0.1", vsftpd.port, timeout=10)
        theirs.login(vsftpd.username, PASSWORD)
        theirs.prot_p()
        with pytest.raises(ftplib.error_perm, match="522"):
            theirs.storbinary("STOR theirs.csv", io.BytesIO(b"1"))

    monkeypatch.setattr("prefect_mailroom.channels.ftp.wire.tls_context", lambda _: context)
    await channel_to(vsftpd).deliver(a_parcel(tmp_path, path=f"ours-{newest.name}.csv"))
    assert (vsftpd.root / f"ours-{newest.name}.csv").read_bytes() == b"new"


async def test_proftpd_refuses_a_data_connection_of_a_new_tls_session(
    proftpd: FtpServer, channel_to: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await channel_to(proftpd).deliver(a_parcel(tmp_path, path="resumed.csv"))
    KEPT.close_all()
    wrap = ssl.SSLContext.wrap_socket
    monkeypatch.setattr(
        ssl.SSLContext, "wrap_socket", lambda self, *given, **named: wrap(self, *given, **{**named, "session": None})
    )
    with pytest.raises(Exception, match="425"):
        await channel_to(proftpd).deliver(a_parcel(tmp_path, path="not-resumed.csv"))
    assert not (proftpd.root / "not-resumed.csv").exists()


async def test_a_session_serves_one_delivery_after_the_other(
    pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path
) -> None:
    for number in range(3):  # Each time the connection is loaded anew, as by another run.
        await channel_to(pyftpd).deliver(a_parcel(tmp_path, path=f"{number}.csv"))
    assert pyftpd.sessions == 1
    assert len(pyftpd.arguments("PASS")) == 1
    with pytest.raises(ConfigurationError):  # Other settings never get the session of the right ones.
        await channel_to(pyftpd, password="wrong").deliver(a_parcel(tmp_path, path="4.csv"))
    assert pyftpd.sessions == 2


async def test_a_session_that_the_server_has_ended_is_replaced(
    pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path
) -> None:
    await channel_to(pyftpd).deliver(a_parcel(tmp_path, path="1.csv"))
    pyftpd.on["NOOP"] = hang_up
    await channel_to(pyftpd).deliver(a_parcel(tmp_path, path="2.csv"))
    assert (pyftpd.root / "2.csv").exists()
    assert pyftpd.sessions == 2


async def test_at_most_two_sessions_at_once(pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path) -> None:
    channel = channel_to(pyftpd)
    parcels = [a_parcel(tmp_path / str(number), path=f"{number}.csv") for number in range(6)]
    await asyncio.gather(*(channel.deliver(parcel) for parcel in parcels))
    assert len(list(pyftpd.root.glob("*.csv"))) == 6
    assert pyftpd.sessions == 2


async def test_a_cancelled_attempt_ends_its_session_at_once(
    slow_vsftpd: FtpServer, channel_to: Any, tmp_path: Path
) -> None:
    channel = channel_to(slow_vsftpd)
    parcel = a_parcel(tmp_path, content=b"x" * 400_000, path="cancelled.csv")  # It would take 20 s.
    sending = asyncio.create_task(channel.deliver(parcel))
    await eventually(lambda: list(slow_vsftpd.root.glob(".cancelled.csv*")), pause=0.02)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert not connections_to(slow_vsftpd)
    assert not [thread for thread in threading.enumerate() if thread.name == "mailroom-remote"]
    slow_vsftpd.end_sessions()  # It may still be busy with what it had got.
    assert not (slow_vsftpd.root / "cancelled.csv").exists()


async def test_an_attempt_has_its_time(slow_vsftpd: FtpServer, channel_to: Any, tmp_path: Path) -> None:
    channel = channel_to(slow_vsftpd, timeout_seconds=1.5)
    parcel = a_parcel(tmp_path, content=b"x" * 400_000, path="too-long.csv")
    with pytest.raises(Exception, match="within") as caught:
        await channel.deliver(parcel)
    assert type(caught.value).__name__ == "RetryLater"
    await channel_to(slow_vsftpd).deliver(replace(a_parcel(tmp_path, path="too-long.csv"), attempt=2, key=parcel.key))
    assert [path.name for path in slow_vsftpd.root.iterdir() if "too-long" in path.name] == ["too-long.csv"]


async def test_200_mb(proftpd: FtpServer, channel_to: Any, tmp_path: Path) -> None:
    parcel = a_parcel(tmp_path, path="large.bin")
    artifact = tmp_path / "large"
    with artifact.open("wb") as file:
        file.truncate(200_000_000)
    with artifact.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    large = ParcelFile(artifact, "large.bin", "application/octet-stream", 200_000_000, digest)
    receipt = await channel_to(proftpd, timeout_seconds=120).deliver(replace(parcel, files=(large,)))
    arrived = proftpd.root / "large.bin"
    assert receipt.detail["files"][0]["bytes"] == 200_000_000
    assert filecmp.cmp(artifact, arrived, shallow=False)
    arrived.unlink()
