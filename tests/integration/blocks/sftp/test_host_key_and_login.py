"""Server and client prove who they are: host keys that a person confirmed, algorithms, and the ways to log in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from prefect_mailroom.channels.sftp import host_keys
from prefect_mailroom.channels.sftp.channel import SftpChannel
from prefect_mailroom.channels.sftp.destination import SftpDestination
from prefect_mailroom.channels.sftp.login import AGENT_VARIABLE
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError, MailroomError
from tests.integration.blocks.sftp.far_side import channel_to, emptied, files_below
from tests.support.programs import needs
from tests.support.remote.parcels import parcel_to
from tests.support.remote.scripted import Script, scripted
from tests.support.remote.servers import SftpServer, key_pair, openssh, proftpd

TO = SftpDestination(connection="out", path="a.{ext}")


@pytest.fixture(scope="module")
def shared_sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    with openssh(tmp_path_factory.mktemp("openssh")) as server:
        yield server


@pytest.fixture
def sshd(shared_sshd: SftpServer) -> Iterator[SftpServer]:
    with emptied(shared_sshd):
        yield shared_sshd


async def checked(channel: SftpChannel) -> tuple[Steps, MailroomError | None]:
    steps = Steps()
    try:
        await channel.check(steps)
    except MailroomError as error:
        return steps, error
    return steps, None


def fingerprint(line: str) -> str:
    [key] = host_keys.parse(line)
    return key.fingerprint


async def test_check_tells_its_steps_and_leaves_nothing(sshd: SftpServer) -> None:
    steps, error = await checked(channel_to(sshd))
    assert error is None
    assert [step.name for step in steps.done] == [
        StepName.RESOLVE,
        StepName.CONNECT,
        StepName.HOST_KEY,
        StepName.LOGIN,
        StepName.WRITE,
        StepName.READ_BACK,
        StepName.DELETE,
    ]
    assert all(step.ok and step.message for step in steps.done)
    assert fingerprint(sshd.host_key) in steps.done[2].message
    assert files_below(sshd.root) == {}


async def test_security_39_unknown_host_key_is_shown_and_refused(sshd: SftpServer, tmp_path: Path) -> None:
    unconfirmed = channel_to(sshd, host_key="")
    steps, error = await checked(unconfirmed)
    assert isinstance(error, ConfigurationError)
    assert error.field == "host_key"
    assert (steps.done[-1].name, steps.done[-1].ok) == (StepName.HOST_KEY, False)
    # The line can be put in as it is shown, and then all is well.
    assert sshd.host_key.rsplit(" ", 1)[0] in steps.done[-1].message or sshd.host_key in steps.done[-1].message
    assert fingerprint(sshd.host_key) in steps.done[-1].message
    with pytest.raises(ConfigurationError):
        await unconfirmed.deliver(parcel_to(TO, tmp_path, {"a.csv": b"1"}))
    with pytest.raises(ConfigurationError):  # It was not added by itself.
        await unconfirmed.deliver(parcel_to(TO, tmp_path, {"a.csv": b"1"}, attempt=2))
    assert files_below(sshd.root) == {}


@pytest.mark.parametrize("form", ["line", "fingerprint"])
async def test_security_39_changed_host_key_is_refused(sshd: SftpServer, tmp_path: Path, form: str) -> None:
    other = key_pair()[1]
    pinned = other if form == "line" else fingerprint(other)
    channel = channel_to(sshd, host_key=pinned)
    steps, error = await checked(channel)
    assert isinstance(error, ConfigurationError)
    assert error.field == "host_key"
    assert fingerprint(other) in error.message
    assert fingerprint(sshd.host_key) in error.message
    assert steps.done[-1].name is StepName.HOST_KEY
    with pytest.raises(ConfigurationError):
        await channel.deliver(parcel_to(TO, tmp_path, {"a.csv": b"1"}))
    assert files_below(sshd.root) == {}


@pytest.mark.parametrize("form", ["line", "fingerprint", "both keys", "known_hosts", "old and new"])
async def test_forms_of_a_host_key(sshd: SftpServer, form: str) -> None:
    rsa = (sshd.root.parent / "host-ssh-rsa.pub").read_text()
    line = {
        "line": rsa,
        "fingerprint": fingerprint(rsa),
        "both keys": f"{rsa}\n{sshd.host_key}",
        "known_hosts": f"[127.0.0.1]:{sshd.port} {rsa} comment",
        "old and new": f"{key_pair()[1]}\n\n# the new one\n{fingerprint(sshd.host_key)}",
    }[form]
    steps, error = await checked(channel_to(sshd, host_key=line))
    assert error is None, steps.done[-1]
    assert ("ssh-rsa" in steps.done[2].message) == (form in ("line", "fingerprint", "known_hosts"))


async def test_key_of_another_type_is_told(server: SftpServer) -> None:
    """The server has no key of the confirmed type any more: a person must see which it has."""
    rsa = key_pair("ssh-rsa", key_size=2048)[1]
    _, error = await checked(channel_to(server, host_key=rsa))
    assert isinstance(error, ConfigurationError)
    assert fingerprint(rsa) in error.message
    assert fingerprint(server.host_key) in error.message


OLD: dict[str, dict[str, Any]] = {
    "key exchange": {"kex_algs": ["diffie-hellman-group14-sha1"]},
    "MAC": {"mac_algs": ["hmac-sha1"], "encryption_algs": ["aes128-ctr"]},
    "cipher": {"encryption_algs": ["aes128-cbc"]},
}


@pytest.mark.parametrize("old", OLD)
async def test_security_39_old_algorithms_are_refused(tmp_path: Path, old: str) -> None:
    script = Script()
    async with scripted(tmp_path / "root", script, **OLD[old]) as server:
        steps, error = await checked(channel_to(server))
    assert isinstance(error, ConfigurationError), error
    assert steps.done[-1].name is StepName.HOST_KEY
    assert "update" in error.remedy
    assert script.logins == 0


async def test_security_39_host_key_that_signs_with_sha1_is_refused(tmp_path: Path) -> None:
    with openssh(tmp_path / "sshd", "HostKeyAlgorithms ssh-rsa") as server:
        steps, error = await checked(channel_to(server, host_key=(tmp_path / "sshd/host-ssh-rsa.pub").read_text()))
    assert isinstance(error, ConfigurationError), error
    assert steps.done[-1].name is StepName.HOST_KEY
    assert "update" in error.remedy


@pytest.fixture(params=["ed25519 with passphrase", "ecdsa", "rsa PEM", "rsa PKCS #8 with passphrase", "rsa OpenSSH"])
async def keys(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[SftpServer, dict[str, Any]]]:
    kind = request.param
    algorithm = {"ed25519": "ssh-ed25519", "ecdsa": "ecdsa-sha2-nistp384"}.get(kind.split()[0], "ssh-rsa")
    size: dict[str, Any] = {"key_size": 2048} if algorithm == "ssh-rsa" else {}
    key = asyncssh.generate_private_key(algorithm, **size)
    form = "pkcs1-pem" if kind == "rsa PEM" else "pkcs8-pem" if "PKCS" in kind else "openssh"
    phrase = "canary-passphrase" if "passphrase" in kind else None
    # The fewest rounds: deriving the key from the passphrase is slow on purpose.
    rounds: dict[str, Any] = {"rounds": 50} if form == "openssh" else {}
    private = key.export_private_key(form, passphrase=phrase, **rounds)
    login = {"private_key": private.decode(), "passphrase": phrase or ""}
    authorized = asyncssh.import_authorized_keys(key.export_public_key().decode())
    async with scripted(tmp_path / "root", Script(), authorized_client_keys=authorized) as server:
        yield server, {"password": "", **login}


async def test_private_keys(keys: tuple[SftpServer, dict[str, Any]]) -> None:
    server, login = keys
    steps, error = await checked(channel_to(server, **login))
    assert error is None, steps.done[-1]
    if login["passphrase"]:
        _, wrong = await checked(channel_to(server, **{**login, "passphrase": "wrong"}))
        _, missing = await checked(channel_to(server, **{**login, "passphrase": ""}))
        for refused in (wrong, missing):
            assert isinstance(refused, ConfigurationError)
            assert refused.field in ("private_key", "passphrase")
            assert "canary" not in str(refused)


@pytest.mark.parametrize(
    "text", ["nonsense", "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n-----END OPENSSH PRIVATE KEY-----"]
)
async def test_private_key_that_cannot_be_read(server: SftpServer, text: str) -> None:
    _, error = await checked(channel_to(server, private_key=text))
    assert isinstance(error, ConfigurationError)
    assert error.field == "private_key"
    assert "canary" not in str(error)


async def test_short_rsa_key_is_refused(server: SftpServer) -> None:
    weak = asyncssh.generate_private_key("ssh-rsa", key_size=1024).export_private_key().decode()
    _, error = await checked(channel_to(server, private_key=weak))
    assert isinstance(error, ConfigurationError)
    assert "1024" in error.message


async def test_server_that_hangs_up_at_the_second_way_to_log_in(tmp_path: Path) -> None:
    known = asyncssh.import_authorized_keys(key_pair()[1])
    async with scripted(tmp_path / "root", Script(), authorized_client_keys=known) as server:
        _, error = await checked(channel_to(server, private_key=key_pair()[0]))
    assert isinstance(error, ConfigurationError), "It would be tried again and again, and lock the login."
    assert error.field == "private_key"


async def test_server_that_wants_key_and_password(tmp_path: Path) -> None:
    with proftpd(tmp_path / "proftpd", wants_both=True) as server:
        steps, error = await checked(channel_to(server))
        assert error is None, steps.done[-1]
        for missing in ("password", "private_key"):
            without: dict[str, Any] = {missing: ""}
            _, error = await checked(channel_to(server, **without))
            assert isinstance(error, ConfigurationError)
            assert error.field in ("password", "private_key")


async def test_login_that_the_server_does_not_offer(sshd: SftpServer) -> None:
    _, error = await checked(channel_to(sshd, private_key="", password="canary-password"))
    assert isinstance(error, ConfigurationError)
    assert "publickey" in error.message
    assert "canary" not in str(error)


async def test_agent_logs_in_only_where_the_operator_allows_it(
    sshd: SftpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, add = needs("ssh-agent", "openssh-client"), needs("ssh-add", "openssh-client")
    key = tmp_path / "key"
    key.write_text(sshd.login["private_key"])
    key.chmod(0o600)
    address = str(tmp_path / "agent")
    monkeypatch.setenv("SSH_AUTH_SOCK", address)
    channel = channel_to(sshd, private_key="", use_agent=True)
    with subprocess.Popen([agent, "-D", "-a", address], stdout=subprocess.DEVNULL) as process:
        try:
            while not os.path.exists(address):  # noqa: PTH110
                assert process.poll() is None
            subprocess.run([add, key], check=True, capture_output=True)
            _, error = await checked(channel)
            assert isinstance(error, ConfigurationError)
            assert error.field == "use_agent"
            monkeypatch.setenv(AGENT_VARIABLE, "true")
            assert (await checked(channel))[1] is None
        finally:
            process.terminate()


async def test_missing_folder_and_folder_that_cannot_be_written(sshd: SftpServer, server: SftpServer) -> None:
    steps, error = await checked(channel_to(sshd, folder="/no/such/folder"))
    assert isinstance(error, ConfigurationError)
    assert error.field == "folder"
    assert steps.done[-1].name is StepName.LOGIN
    steps, error = await checked(channel_to(server, folder="/proc"))
    assert isinstance(error, MailroomError)
    assert steps.done[-1].name is StepName.WRITE
