"""Check lines 1 to 9 of the checklist of malicious input, for seven channels. Nothing leaves, seen at real sockets."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import ValidationError

from prefect_mailroom import outbound
from prefect_mailroom.channels.azure.channel import AzureChannel
from prefect_mailroom.channels.azure.destination import AzureDestination
from prefect_mailroom.channels.base import Channel, Parcel, ParcelFile
from prefect_mailroom.channels.email.channel import EmailChannel
from prefect_mailroom.channels.email.destination import EmailDestination
from prefect_mailroom.channels.ftp.channel import FtpChannel
from prefect_mailroom.channels.ftp.destination import FtpDestination
from prefect_mailroom.channels.gcs.bucket import HOSTS_VARIABLE
from prefect_mailroom.channels.gcs.channel import GcsChannel
from prefect_mailroom.channels.gcs.destination import GcsDestination
from prefect_mailroom.channels.s3.channel import S3Channel
from prefect_mailroom.channels.s3.destination import S3Destination
from prefect_mailroom.channels.sftp.channel import SftpChannel
from prefect_mailroom.channels.sftp.destination import SftpDestination
from prefect_mailroom.channels.steps import Steps
from prefect_mailroom.channels.webhook.channel import WebhookChannel
from prefect_mailroom.channels.webhook.destination import WebhookDestination
from prefect_mailroom.errors import MailroomError, RetryLater, TargetForbidden
from prefect_mailroom.never_targets import entries_of
from tests.support.gcs.identities import Identities
from tests.support.listening import listening, own_addresses
from tests.support.smtp import SmtpServer

CANARY = "canary-of-the-inside"
EVERYTHING = "0.0.0.0/0 ::/0"


def webhook(host: str, port: int, scheme: str = "http") -> Channel:
    secret = "whsec_Y3VycmVudC1zaWduaW5nLWtleS1vZi0zMi1ieXRlcyE="
    return WebhookChannel(url=f"{scheme}://{host}:{port}/hook", signing_secret=secret, timeout_seconds=5)


def mail(host: str, port: int) -> Channel:
    credentials = {"smtp_server": host.strip("[]"), "smtp_port": port, "smtp_type": "INSECURE"}
    return EmailChannel(
        credentials=credentials, from_address="reports@example.com", allow_plain=True, timeout_seconds=5
    )


def sftp(host: str, port: int) -> Channel:
    return SftpChannel(host=host, port=port, username="bank", password="secret", timeout_seconds=5)


def ftp(host: str, port: int) -> Channel:
    return FtpChannel(host=host, port=port, username="bank", password="secret", timeout_seconds=5)


def s3(host: str, port: int) -> Channel:
    keys = {"access_key_id": "canary", "secret_access_key": "secret"}
    endpoint = {"endpoint": f"http://{host}:{port}", "allow_plain": True}
    return S3Channel(bucket="reports", identity="keys", timeout_seconds=5, **keys, **endpoint)


def azure(host: str, port: int) -> Channel:
    key = base64.b64encode(b"canary" * 11).decode()
    endpoint = {"endpoint": f"http://{host}:{port}/account", "allow_plain": True}
    return AzureChannel(
        account="account", container="reports", identity="key", account_key=key, timeout_seconds=5, **endpoint
    )


def gcs(host: str, port: int) -> Channel:
    """Return one to a host that the operator trusts with tokens, so that nothing but the guard refuses it."""
    os.environ[HOSTS_VARIABLE] += f" {host.strip('[]')} 127.0.0.1"
    key = Identities().key_file(f"http://127.0.0.1:{port}")
    endpoint = {"endpoint": f"http://{host}:{port}", "allow_plain": True}
    return GcsChannel(bucket="reports", identity="key", service_account_key=key, timeout_seconds=5, **endpoint)


@pytest.fixture(autouse=True)
def _nobody_is_trusted_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOSTS_VARIABLE, "")


def a_parcel(folder: Path, channel: Channel) -> Parcel:
    path = folder / "artifact"
    path.write_bytes(b"figures")
    file = ParcelFile(path, "figures.csv", "text/csv", 7, hashlib.sha256(b"figures").hexdigest())
    target: Any = WebhookDestination(connection="hook")
    if isinstance(channel, EmailChannel):
        target = EmailDestination(connection="mail", to=["ada@example.com"])
    if isinstance(channel, SftpChannel):
        target = SftpDestination(connection="files", path="figures.{ext}")
    if isinstance(channel, FtpChannel):
        target = FtpDestination(connection="files", path="figures.{ext}")
    if isinstance(channel, S3Channel):
        target = S3Destination(connection="files", path="figures.{ext}")
    if isinstance(channel, AzureChannel):
        target = AzureDestination(connection="files", path="figures.{ext}")
    if isinstance(channel, GcsChannel):
        target = GcsDestination(connection="files", path="figures.{ext}")
    return Parcel("key", 1, "ada@example.com", target, files=(file,), subject="Figures", text="Figures")


async def all_refused(channel: Channel, folder: Path, error: type[MailroomError] = TargetForbidden) -> None:
    """See that the channel refuses to be stored, checked and used."""
    for attempt in (
        channel.screen,
        partial(channel.check, Steps()),
        lambda: channel.deliver(a_parcel(folder, channel)),
    ):
        with pytest.raises(error):
            await attempt()


KINDS = [webhook, mail, sftp, ftp, s3, azure, gcs]
METADATA = ["169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "168.63.129.16"]
NUMBERS = ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "①②⑦.⓪.⓪.①", "localhost"]
IN_IPV6 = [
    "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::a9fe:a9fe]", "[2002:a9fe:a9fe::]",
    "[2001:0:a9fe:a9fe::1]", "[fec0::1]", "[::1]",
    # 169.254.169.254 behind prefixes of 32, 40, 48, 56, 64 and 96 bits.
    "[2606:1:a9fe:a9fe::]", "[2606:1:0a9:fea9:fe::]", "[2606:1:2:a9fe:a9:fe00::]", "[2606:1:2:a9:fe:a9fe::]",
    "[2606:1:2:3:a9:fea9:fe00:0]", "[2606:1:2:3:4::a9fe:a9fe]",
]  # fmt: skip
SPECIAL = ["100.64.0.1", "224.0.0.1", "0.0.0.0"]  # a target, nothing is bound


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("host", METADATA)
async def test_security_01_metadata_addresses(
    make: Callable[..., Channel], host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(outbound.VARIABLE)
    await all_refused(make(host, 80), tmp_path)


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("host", NUMBERS)
async def test_security_02_spellings_of_this_machine(
    make: Callable[..., Channel], host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(outbound.VARIABLE)
    async with listening() as far:
        # The HTTP client takes some of them for no URL, before the guard sees them.
        with pytest.raises((TargetForbidden, ValidationError)):
            await make(host, far.port).deliver(a_parcel(tmp_path, make("127.0.0.1", far.port)))
    assert far.connections == []


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("host", IN_IPV6)
async def test_security_03_ipv4_inside_ipv6(
    make: Callable[..., Channel], host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(outbound.VARIABLE)
    async with listening() as far:
        await all_refused(make(host, far.port), tmp_path)
    assert far.connections == []


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("host", SPECIAL)
async def test_security_04_shared_multicast_and_unspecified(
    make: Callable[..., Channel], host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(outbound.VARIABLE)
    async with listening() as far:
        await all_refused(make(host, far.port), tmp_path)
    assert far.connections == []


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect"])
async def test_security_05_redirects_are_not_followed(status: str, tmp_path: Path) -> None:
    """Not even to where the operator would let a connection go, so no chain begins."""
    async with listening() as inside:
        answer = f"HTTP/1.1 {status}\r\nLocation: http://127.0.0.1:{inside.port}/\r\nContent-Length: 0\r\n\r\n"
        async with listening(answer.encode()) as far:
            channel = webhook("127.0.0.1", far.port)
            with pytest.raises(MailroomError, match="redirect"):
                await channel.deliver(a_parcel(tmp_path, channel))
            with pytest.raises(MailroomError, match="redirect"):
                await channel.check(Steps())
    # The check also connects once without a word, to see whether the port answers.
    assert len([sent for sent in far.connections if sent]) == 2
    assert inside.connections == []


def names(monkeypatch: pytest.MonkeyPatch, name: str, *answers: list[str]) -> list[str]:
    """Let look-ups of the name have these answers, the last one for good; return who asked so far."""
    real, asked = socket.getaddrinfo, []

    def look_up(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        if host not in (name, name.encode()):
            return real(host, port, *arguments, **options)
        asked.append(name)
        found = answers[min(len(asked), len(answers)) - 1]
        return [entry for one in found for entry in real(one, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


@pytest.mark.parametrize("make", KINDS)
async def test_security_06_one_private_address_among_public_ones(
    make: Callable[..., Channel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(outbound.VARIABLE)
    async with listening() as far:
        names(monkeypatch, "mixed.example.com", ["93.184.215.14", "127.0.0.1"])
        await all_refused(make("mixed.example.com", far.port), tmp_path)
    assert far.connections == []


async def test_security_06_public_when_saved_private_when_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name has a good address when it is stored, and even when it is looked up to send; connecting finds another."""
    monkeypatch.setenv(outbound.VARIABLE, "10.99.0.0/16")
    asked = names(monkeypatch, "rebinding.example.com", ["10.99.0.1"], ["10.99.0.1"], ["127.0.0.1"])
    async with listening(host="127.0.0.1") as far:
        channel = webhook("rebinding.example.com", far.port)
        await channel.screen()
        with pytest.raises(TargetForbidden):
            await channel.deliver(a_parcel(tmp_path, channel))
    assert len(asked) == 3
    assert far.received == b""


@pytest.mark.parametrize("allowed", [EVERYTHING, "rebinding.example.com 127.0.0.0/8"])
async def test_security_06_a_name_that_turns_to_prefect(
    allowed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(outbound.VARIABLE, allowed)
    asked = names(monkeypatch, "rebinding.example.com", ["10.99.0.1"], ["127.0.0.1"])
    async with listening(host="127.0.0.1") as prefect:
        monkeypatch.setenv(outbound.OWN_VARIABLE, f"127.0.0.1:{prefect.port}")
        channel = webhook("rebinding.example.com", prefect.port)
        with pytest.raises(TargetForbidden):
            await channel.deliver(a_parcel(tmp_path, channel))
    assert len(asked) == 2
    assert prefect.received == b""


async def test_security_06_the_peer_that_answered_is_what_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address was fine, and the socket is connected to Prefect all the same: no byte of the mail is sent."""
    monkeypatch.setenv(outbound.VARIABLE, EVERYTHING)
    real = socket.socket.connect
    async with listening(host="127.0.0.1") as prefect:
        monkeypatch.setenv(outbound.OWN_VARIABLE, f"127.0.0.1:{prefect.port}")

        def elsewhere(link: socket.socket, address: Any) -> None:
            real(link, ("127.0.0.1", prefect.port) if link.type == socket.SOCK_STREAM else address)

        monkeypatch.setattr("socket.socket.connect", elsewhere)
        channel = mail("10.99.0.1", prefect.port)
        with pytest.raises(TargetForbidden):
            await channel.deliver(a_parcel(tmp_path, channel))
    assert prefect.received == b""


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1:70/_x",
        "ftp://127.0.0.1/x",
        "http://user@host@127.0.0.1/",
        "http://user:password@example.com/",
        "http:///path",
        "//127.0.0.1/",
        "https://127.0.0.1%2f.example.com/",
    ],
)
def test_security_07_schemes_and_user_names(url: str) -> None:
    secret = "whsec_Y3VycmVudC1zaWduaW5nLWtleS1vZi0zMi1ieXRlcyE="
    with pytest.raises(ValidationError):
        WebhookChannel(url=url, signing_secret=secret)


@pytest.mark.parametrize("make", KINDS)
async def test_security_07_punycode_is_looked_up_as_what_it_is(
    make: Callable[..., Channel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(outbound.VARIABLE)
    asked = names(monkeypatch, "xn--strae-oqa.example.com", ["127.0.0.1"])
    async with listening() as far:
        # Stores of clouds are entered as what they are, and not in other letters.
        written = "xn--strae-oqa.example.com" if make in (azure, gcs) else "straße.example.com"
        await all_refused(make(written, far.port), tmp_path)
    assert asked
    assert far.connections == []


@pytest.mark.parametrize("make", [sftp, ftp])
async def test_security_09_what_a_server_of_another_protocol_says_is_never_readable(
    make: Callable[..., Channel], tmp_path: Path
) -> None:
    async with listening(f"HTTP/1.1 400 {CANARY}\r\nServer: {CANARY}\r\n\r\n".encode()) as far:
        channel, told, steps = make("127.0.0.1", far.port), [], Steps()
        for attempt in (partial(channel.check, steps), lambda: channel.deliver(a_parcel(tmp_path, channel))):
            with pytest.raises(MailroomError) as caught:
                await attempt()
            told.append(str(caught.value))
    assert len(far.connections) == 2
    assert CANARY not in f"{told} {steps.done}"


@pytest.mark.parametrize(
    "start",
    ["200 OK", "202 OK", "400 Bad", "401 No", "404 No", "410 Gone", "500 Broken", "503 Busy", "302 Found", CANARY],
)
async def test_security_09_the_answer_of_a_webhook_is_never_readable(
    start: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    body = CANARY.encode() * 3
    headers = f"X-Inside: {CANARY}\r\nContent-Length: {len(body)}\r\nContent-Type: text/{CANARY}\r\n\r\n"
    async with listening(f"HTTP/1.1 {start} {CANARY}\r\n{headers}".encode() + body) as far:
        channel = webhook("127.0.0.1", far.port)
        told = []
        for attempt in (partial(channel.check, Steps()), lambda: channel.deliver(a_parcel(tmp_path, channel))):
            try:
                told.append(repr(await attempt()))
            except MailroomError as error:
                told += traceback.format_exception(error)
    assert far.connections, "Nobody was asked; the test proves nothing."
    warned = [record.getMessage() for record in caplog.records if record.levelname not in ("DEBUG", "INFO")]
    assert CANARY not in "".join(told + warned)


OURS = ["127.0.0.1", "localhost", "127.0.0.2", "127.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"]
"""The names under which a process of this machine finds its own ports."""


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("listens_on", ["127.0.0.1", "localhost", "0.0.0.0", "[::1]"])
@pytest.mark.parametrize("host", [*OURS, *own_addresses()])
async def test_security_own_prefect_is_closed_where_everything_is_open(
    make: Callable[..., Channel], host: str, listens_on: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(outbound.VARIABLE, f"{EVERYTHING} {host.strip('[]') if host == 'localhost' else ''}")
    async with listening() as prefect:
        monkeypatch.setenv(outbound.OWN_VARIABLE, " ".join(entries_of(f"http://{listens_on}:{prefect.port}/api")))
        await all_refused(make(host, prefect.port), tmp_path)
    assert prefect.connections == []


@pytest.mark.parametrize("make", KINDS)
async def test_security_own_names_of_prefect_and_names_of_this_machine(
    make: Callable[..., Channel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both may be called anything; only where they lead counts."""
    monkeypatch.setenv(outbound.VARIABLE, EVERYTHING)
    names(monkeypatch, "hooks.example.com", ["127.0.0.1"])
    async with listening() as prefect:
        for entry in (f"127.0.0.1:{prefect.port}", f"hooks.example.com:{prefect.port}"):
            monkeypatch.setenv(outbound.OWN_VARIABLE, entry)
            await all_refused(make("hooks.example.com", prefect.port), tmp_path)
            await all_refused(make("127.0.0.1", prefect.port), tmp_path)
    assert prefect.connections == []


async def test_security_own_prefects_own_settings_close_its_api(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the collection is used alone: by the variable, and by a profile that only Prefect has read."""
    monkeypatch.setenv(outbound.VARIABLE, EVERYTHING)
    async with listening() as prefect:
        url = f"http://127.0.0.1:{prefect.port}/api"
        channel = webhook("127.0.0.1", prefect.port)
        with temporary_settings({PREFECT_API_URL: url}):
            await all_refused(channel, tmp_path)
        monkeypatch.setenv("PREFECT_API_URL", url)
        await all_refused(channel, tmp_path)
        monkeypatch.delenv("PREFECT_API_URL")
        monkeypatch.setenv("PREFECT_REDIS_MESSAGING_HOST", "localhost")
        monkeypatch.setenv("PREFECT_REDIS_MESSAGING_PORT", str(prefect.port))
        await all_refused(channel, tmp_path)
    assert prefect.connections == []


@pytest.mark.parametrize("entry", ["{host}:{port}", "{host}/32", "redis://:secret@{host}:{port}/0"])
async def test_security_own_the_operator_closes_more(
    entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(outbound.VARIABLE, EVERYTHING)
    async with listening() as inside:
        monkeypatch.setenv(outbound.CLOSED_VARIABLE, entry.format(host="127.0.0.1", port=inside.port))
        await all_refused(webhook("127.0.0.1", inside.port), tmp_path)
    assert inside.connections == []


async def test_what_is_closed_closes_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mail catcher of an embedded system listens on the same address as Prefect, on another port."""
    async with listening() as prefect, SmtpServer().serving() as catcher:
        monkeypatch.setenv(outbound.OWN_VARIABLE, f"127.0.0.1:{prefect.port} postgresql://127.0.0.1:{prefect.port}/x")
        channel = mail("127.0.0.1", catcher.port)
        await channel.screen()
        await channel.deliver(a_parcel(tmp_path, channel))
    assert len(catcher.envelopes) == 1
    assert prefect.connections == []


async def test_nothing_leaves_while_nobody_can_say_where_prefect_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def silent(host: Any, *arguments: Any, **options: Any) -> Any:
        if host == "prefect.example.com":
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    async with listening() as far:
        monkeypatch.setenv(outbound.OWN_VARIABLE, f"prefect.example.com:{far.port}")
        channel = webhook("127.0.0.1", far.port)
        with pytest.raises(RetryLater):
            await channel.deliver(a_parcel(tmp_path, channel))
        assert far.connections == []
        monkeypatch.setenv(outbound.OWN_VARIABLE, f"no-such-host.invalid:{far.port}")
        far.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
        await channel.deliver(a_parcel(tmp_path, channel))
    # The look-up of the address opens a connection that says nothing; it may be gone before it is seen.
    assert len([sent for sent in far.connections if sent]) == 1
