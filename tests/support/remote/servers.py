"""SFTP servers that others wrote, run as the test's own account on a free port of loopback."""

from __future__ import annotations

import contextlib
import getpass
import grp
import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from tests.support.programs import needs
from tests.support.waiting import eventually_sync

PASSWORD = "canary-sftp-password"


@dataclass(frozen=True)
class SftpServer:
    """One server.

    Attributes:
        root: the folder that a connection writes to, as this machine sees it.
        host_key: its key as in known_hosts.
        login: the settings of a connection's login and folder.
        secrets: what of these is secret.
        quota: the settings of a login that may store little; None where it has none.
    """

    port: int
    root: Path
    host_key: str
    login: dict[str, Any]
    secrets: tuple[str, ...]
    quota: dict[str, Any] | None = None
    quota_root: Path | None = field(default=None)


def key_pair(kind: str = "ssh-ed25519", **options: Any) -> tuple[str, str]:
    """Return a new private key in OpenSSH's format, and its public line."""
    key = asyncssh.generate_private_key(kind, **options)
    return key.export_private_key().decode(), key.export_public_key().decode().strip()


@contextlib.contextmanager
def openssh(folder: Path, settings: str = "") -> Iterator[SftpServer]:
    """Run OpenSSH's sshd with keys of two types; one logs in with a private key.

    Args:
        settings: more lines for its configuration.
    """
    program = needs("sshd", "openssh-server")
    if os.geteuid() == 0:  # It wants the folder that it would lock other processes up in.
        Path("/run/sshd").mkdir(exist_ok=True)
    (folder / "root").mkdir(parents=True)
    private, public = key_pair()
    (folder / "authorized").write_text(f"{public}\n")
    shown = {}
    for kind, options in (("ssh-ed25519", {}), ("ssh-rsa", {"key_size": 2048})):
        host_private, shown[kind] = key_pair(kind, **options)
        file = folder / f"host-{kind}"
        file.write_text(host_private)
        file.chmod(0o600)
        file.with_suffix(".pub").write_text(shown[kind])
    settings += f"""
ListenAddress 127.0.0.1
HostKey {folder}/host-ssh-ed25519
HostKey {folder}/host-ssh-rsa
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
AuthorizedKeysFile {folder}/authorized
PasswordAuthentication no
MaxStartups 100
LogLevel ERROR
Subsystem sftp internal-sftp
"""
    (folder / "sshd_config").write_text(settings)
    command = [str(program), "-D", "-e", "-f", str(folder / "sshd_config")]
    with _running(command, folder, port_option="-p") as port:
        login = {"username": getpass.getuser(), "private_key": private, "folder": str(folder / "root")}
        secret = private.splitlines()[2]
        yield SftpServer(port, folder / "root", shown["ssh-ed25519"], login, (secret,))


@contextlib.contextmanager
def proftpd(folder: Path, *, wants_both: bool = False) -> Iterator[SftpServer]:
    """Run proftpd with mod_sftp; one logs in with a password, and another login may store 100 kB.

    Args:
        wants_both: let one log in only with a private key and then a password.
    """
    program = needs("proftpd", "proftpd-core")
    modules = Path("/usr/lib/proftpd")
    if not (modules / "mod_sftp.so").exists():
        needs("proftpd-mod-sftp", "proftpd-mod-crypto")
    host_private, public = key_pair("ssh-ed25519")
    (folder / "host").parent.mkdir(parents=True, exist_ok=True)
    (folder / "host").write_text(host_private)
    users = []
    for name in ("bank", "small"):
        (folder / name).mkdir()
        users.append(f"{name}:{_crypted(PASSWORD)}:{os.getuid()}:{os.getgid()}::{folder}/{name}:/bin/sh\n")
    (folder / "passwd").write_text("".join(users))
    (folder / "group").write_text(f"all:x:{os.getgid()}:\n")
    user_key = asyncssh.generate_private_key("ssh-rsa", key_size=2048)  # It reads no newer type of an authorized key.
    (folder / "authorized").write_bytes(user_key.export_public_key("rfc4716"))
    for secret in ("host", "passwd", "group", "authorized"):
        (folder / secret).chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = f"""
ModulePath {modules}
LoadModule mod_ifsession.c
LoadModule mod_sftp.c
ServerName files
ServerType standalone
DefaultAddress 127.0.0.1
UseIPv6 off
Port {port}
User {getpass.getuser()}
Group {grp.getgrgid(os.getgid()).gr_name}
RootLogin on
AuthOrder mod_auth_file.c
AuthUserFile {folder}/passwd
AuthGroupFile {folder}/group
RequireValidShell off
PidFile {folder}/pid
ScoreboardFile {folder}/scoreboard
DelayEngine off
UseReverseDNS off
WtmpLog off
TransferLog none
SystemLog {folder}/log
AllowOverwrite on
SFTPEngine on
SFTPHostKey {folder}/host
SFTPAuthorizedUserKeys file:{folder}/authorized
SFTPAuthMethods {"publickey+password" if wants_both else "password"}
<IfUser small>
  MaxStoreFileSize 100 Kb
</IfUser>
"""
    (folder / "proftpd.conf").write_text(settings)
    command = [str(program), "-n", "-c", str(folder / "proftpd.conf")]
    login = {"username": "bank", "password": PASSWORD}
    if wants_both:
        login["private_key"] = user_key.export_private_key().decode()
    with _running(command, folder, port=port):
        yield SftpServer(
            port, folder / "bank", public, login, (PASSWORD,), {**login, "username": "small"}, folder / "small"
        )


def _crypted(password: str) -> str:
    command = [str(needs("openssl", "openssl")), "passwd", "-6", password]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@contextlib.contextmanager
def _running(command: list[str], folder: Path, *, port: int = 0, port_option: str = "") -> Iterator[int]:
    if not port:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
    if port_option:
        command = [*command, port_option, str(port)]
    with (folder / "output").open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            eventually_sync(
                lambda: process.poll() is not None or _answers(port), 20, (folder / "output").read_text, pause=0.02
            )
            assert process.poll() is None, (folder / "output").read_text()
            yield port
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
