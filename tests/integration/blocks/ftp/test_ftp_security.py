"""A hostile server, a hostile network or a hostile setting can do no harm by FTP."""

from __future__ import annotations

import asyncio
import traceback
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from prefect_mailroom import outbound
from prefect_mailroom.channels.ftp.channel import FtpChannel
from prefect_mailroom.channels.ftp.plain import VARIABLE
from prefect_mailroom.channels.remote.sessions import KEPT
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError, MailroomError, TargetForbidden
from tests.integration.blocks.ftp.parcels import a_parcel
from tests.support.ftp.daemons import FtpServer
from tests.support.ftp.scripted import ScriptedServer, say, scripted
from tests.support.listening import Listener, listening
from tests.support.waiting import eventually


async def nobody_came(listener: Listener, host: str) -> None:
    """Come ourselves, and see that nobody was there before: connections are taken in their order."""
    _, writer = await asyncio.open_connection(host, listener.port)
    writer.write(b"ours")
    await eventually(lambda: listener.received, pause=0.01)
    writer.close()
    assert [bytes(received) for received in listener.connections] == [b"ours"]


async def test_security_10_an_address_that_pasv_names_is_not_used(
    plain_pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole network of this machine is open, so only the client itself can keep the data away from there."""
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.0/8")
    monkeypatch.setenv(VARIABLE, "127.0.0.1")
    plain_pyftpd.on["EPSV"] = say("502 Not here.")
    async with listening(host="127.0.0.2") as inside:
        ports = f"{inside.port // 256},{inside.port % 256}"

        def lie(session: Any, do: Any) -> None:
            session.respond(f"227 Entering passive mode (127,0,0,2,{ports}).")

        plain_pyftpd.on["PASV"] = lie
        with pytest.raises(MailroomError):
            await channel_to(plain_pyftpd).deliver(a_parcel(tmp_path, path="a.csv"))
        await nobody_came(inside, "127.0.0.2")
    assert plain_pyftpd.arguments("PASV")


async def test_security_10_a_true_port_with_a_false_address_works(
    pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path
) -> None:
    """Servers behind a translator of addresses name one of the inside, and mean their own."""

    def masked(session: Any, do: Any) -> None:
        session.masquerade_address = "10.1.2.3"
        do()

    pyftpd.on = {"EPSV": say("502 Not here."), "PASV": masked}
    await channel_to(pyftpd).deliver(a_parcel(tmp_path, path="a.csv"))
    assert (pyftpd.root / "a.csv").read_bytes() == b"new"


async def test_security_10_a_port_that_is_never_a_target_is_not_connected_to(
    pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(host="127.0.0.1") as database:
        monkeypatch.setenv(outbound.CLOSED_VARIABLE, f"127.0.0.1:{database.port}")
        pyftpd.on["EPSV"] = say(f"229 Entering extended passive mode (|||{database.port}|).")
        with pytest.raises(TargetForbidden):
            await channel_to(pyftpd).deliver(a_parcel(tmp_path, path="a.csv"))
        await nobody_came(database, "127.0.0.1")


async def test_security_10_a_port_of_a_service_is_not_connected_to(
    pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    connect = outbound.connect

    async def watched(host: str, port: int, **how: Any) -> Any:
        asked.append(port)
        return await connect(host, port, **how)

    monkeypatch.setattr(outbound, "connect", watched)
    pyftpd.on["EPSV"] = say("229 Entering extended passive mode (|||25|).")
    with pytest.raises(MailroomError):
        await channel_to(pyftpd).deliver(a_parcel(tmp_path, path="a.csv"))
    assert set(asked) == {pyftpd.port}


async def test_security_40_without_tls_nobody_logs_in(pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path) -> None:
    """Whoever sits on the way and takes AUTH TLS out of the conversation gets no password."""
    pyftpd.on["AUTH"] = say("502 canary-of-the-inside")
    with pytest.raises(ConfigurationError) as caught:
        await channel_to(pyftpd).deliver(a_parcel(tmp_path, path="a.csv"))
    assert "canary" not in "".join(traceback.format_exception(caught.value)), "It may be any service that said so."
    assert not pyftpd.arguments("USER")
    assert not pyftpd.arguments("PASS")


async def test_security_40_the_data_is_encrypted_or_not_sent(
    pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path
) -> None:
    pyftpd.on["PROT"] = say("502 In the clear only.")
    with pytest.raises(ConfigurationError):
        await channel_to(pyftpd).deliver(a_parcel(tmp_path, path="a.csv"))
    assert not pyftpd.arguments("STOR")


async def test_security_40_a_certificate_for_another_host_is_refused(
    vsftpd: FtpServer, channel_to: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate is for 127.0.0.1, and trusted; `localhost` is not in it."""
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1 localhost")
    steps = Steps()
    with pytest.raises(ConfigurationError):
        await channel_to(vsftpd, host="localhost").check(steps)
    assert [step.name for step in steps.done] == [StepName.RESOLVE, StepName.CONNECT, StepName.ENCRYPT]


async def test_security_40_a_certificate_that_has_ended_is_refused(channel_to: Any, tmp_path: Path) -> None:
    with scripted(tmp_path / "ended", days=-1) as server:
        with pytest.raises(ConfigurationError) as caught:
            await channel_to(server).deliver(a_parcel(tmp_path, path="a.csv"))
        assert "expired" in caught.value.message
        assert not server.arguments("USER")


async def test_plain_ftp_needs_the_operator(
    plain_pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = channel_to(plain_pyftpd)
    for attempt in (channel.deliver(a_parcel(tmp_path, path="a.csv")), channel.screen(), channel.check(Steps())):
        with pytest.raises(ConfigurationError, match=VARIABLE) as caught:
            await attempt
        assert caught.value.field == "security"
    assert plain_pyftpd.commands == []
    monkeypatch.setenv(VARIABLE, "ftp.example.com 10.0.0.0/8")
    with pytest.raises(ConfigurationError):
        await channel.deliver(a_parcel(tmp_path, path="a.csv"))
    monkeypatch.setenv(VARIABLE, "127.0.0.1")
    await channel.screen()
    await channel.deliver(a_parcel(tmp_path, path="a.csv"))
    assert (plain_pyftpd.root / "a.csv").read_bytes() == b"new"
    KEPT.close_all()
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(ConfigurationError):
        await channel.deliver(a_parcel(tmp_path, path="b.csv"))


async def test_a_host_of_the_inside_is_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(outbound.VARIABLE)
    with pytest.raises(TargetForbidden):
        await FtpChannel(host="127.0.0.1", username="reports").screen()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "reports\r\nDELE /in/a.csv"),
        ("password", "secret\r\nDELE /in/a.csv"),
        ("folder", "in\nDELE a.csv"),
        ("folder", "in/../.."),
        ("host", "ftp.example.com\r\n"),
    ],
)
def test_no_setting_can_send_a_command(field: str, value: str) -> None:
    settings = {"host": "ftp.example.com", "username": "reports", "password": "secret", field: value}
    with pytest.raises(ValidationError) as caught:
        FtpChannel(**settings)
    assert caught.value.errors()[0]["loc"] == (field,)
    assert "secret" not in str(caught.value)
