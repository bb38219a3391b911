"""vsftpd and proftpd as this account, on a free port of this machine; nothing of the machine's own set-up is read.

with vsftpd(folder) as server: ...      # explicit TLS; a data connection must resume the TLS session
with proftpd(folder) as server: ...     # implicit TLS; the same
"""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from prefect_mailroom.channels.ftp.server import Security
from tests.support.certificates import self_signed
from tests.support.programs import needs

PASSWORD = "canary-ftp-password"


@dataclass(frozen=True)
class FtpServer:
    """A server that runs.

    Attributes:
        root: the folder that a login begins in.
        ca: the certificate to trust.
        pid: of the process that listens; each session is a child of it.
    """

    port: int
    root: Path
    security: Security
    username: str
    ca: str
    pid: int
    log: Path

    def end_sessions(self) -> int:
        """Kill the processes of all sessions, and return how many there were."""
        sessions = psutil.Process(self.pid).children(recursive=True)
        for one in sessions:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        return len(sessions)

    @contextlib.contextmanager
    def with_files_up_to(self, size: int) -> Iterator[None]:
        """Let no session that begins meanwhile write a longer file: the kernel refuses it, as a full disk would."""
        process = psutil.Process(self.pid)
        _, hard = process.rlimit(psutil.RLIMIT_FSIZE)
        process.rlimit(psutil.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            process.rlimit(psutil.RLIMIT_FSIZE, (hard, hard))


@contextlib.contextmanager
def vsftpd(folder: Path, *, rate: int = 0, security: Security = Security.EXPLICIT) -> Iterator[FtpServer]:
    """Run vsftpd; the login is its guest's, whose password it demands.

    Args:
        rate: the greatest number of bytes a second, 0 for no limit.
    """
    program = needs("vsftpd", "vsftpd; beside another FTP server it has to be unpacked, as .ci/run does")
    root, port = folder / "root", _free_port()
    root.mkdir()
    ca = self_signed(folder).pem
    (folder / "passwords").write_text(f"{PASSWORD}\n")
    settings = {
        "listen": "YES",
        "listen_address": "127.0.0.1",
        "listen_port": port,
        "background": "NO",
        "run_as_launching_user": "YES",
        "ftp_username": _account().pw_name,
        "anonymous_enable": "YES",
        "secure_email_list_enable": "YES",
        "email_password_file": folder / "passwords",
        "anon_root": root,
        "anon_umask": "022",
        "anon_max_rate": rate,
        "write_enable": "YES",
        "anon_upload_enable": "YES",
        "anon_mkdir_write_enable": "YES",
        "anon_other_write_enable": "YES",
        "anon_world_readable_only": "NO",
        "ssl_enable": "YES",
        "implicit_ssl": "NO" if security is Security.EXPLICIT else "YES",
        "allow_anon_ssl": "YES",
        "force_anon_logins_ssl": "YES",
        "force_anon_data_ssl": "YES",
        "rsa_cert_file": folder / "chain.pem",
        "ssl_ciphers": "HIGH",
        "force_dot_files": "YES",
        "delay_failed_login": 0,
        "seccomp_sandbox": "NO",
        "xferlog_enable": "YES",
        "log_ftp_protocol": "YES",
        "vsftpd_log_file": folder / "log",
    }
    configuration = folder / "vsftpd.conf"
    configuration.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    configuration.chmod(0o600)  # It demands that nobody else can write it.
    with _running([str(program), str(configuration)], port, folder) as pid:
        yield FtpServer(port, root, security, "anonymous", ca, pid, folder / "log")


@contextlib.contextmanager
def proftpd(folder: Path, *, rate: int = 0, security: Security = Security.IMPLICIT) -> Iterator[FtpServer]:
    """Run proftpd with a login of its own.

    Args:
        rate: the greatest number of kilobytes a second, 0 for no limit.
    """
    program = needs("proftpd", "proftpd-core proftpd-mod-crypto")
    root, port, account = folder / "root", _free_port(), _account()
    root.mkdir()
    ca = self_signed(folder).pem
    (folder / "chain.pem").chmod(0o600)
    hashed = subprocess.run(
        [needs("openssl", "openssl"), "passwd", "-6", PASSWORD], check=True, capture_output=True, text=True
    ).stdout.strip()
    logins = folder / "logins"
    logins.write_text(f"reports:{hashed}:{account.pw_uid}:{account.pw_gid}::{root}:/bin/false\n")
    logins.chmod(0o600)
    configuration = folder / "proftpd.conf"
    configuration.write_text(f"""
User {account.pw_name}
Group {_group()}
ServerType standalone
DefaultServer on
DefaultAddress 127.0.0.1
Port {port}
UseIPv6 off
UseReverseDNS off
UseFtpUsers off
RootLogin on
RequireValidShell off
AllowOverwrite on
WtmpLog off
AuthOrder mod_auth_file.c
AuthUserFile {logins}
PidFile {folder}/pid
ScoreboardFile {folder}/scoreboard
ScoreboardMutex {folder}/scoreboard.lock
SystemLog {folder}/log
{f"TransferRate STOR {rate}" if rate else ""}
ModulePath /usr/lib/proftpd
LoadModule mod_tls.c
TLSEngine on
TLSRequired on
TLSProtocol TLSv1.2 TLSv1.3
TLSECCertificateFile {folder}/chain.pem
TLSECCertificateKeyFile {folder}/chain.pem
TLSLog {folder}/tls.log
{"TLSOptions UseImplicitSSL" if security is Security.IMPLICIT else ""}
<IfModule mod_delay.c>
DelayEngine off
</IfModule>
<IfModule mod_ctrls.c>
ControlsEngine off
ControlsSocket {folder}/controls
</IfModule>
""")
    with _running([str(program), "--nodaemon", "--quiet", "--config", str(configuration)], port, folder) as pid:
        yield FtpServer(port, root, security, "reports", ca, pid, folder / "log")


@contextlib.contextmanager
def _running(command: list[str], port: int, folder: Path) -> Iterator[int]:
    out = folder / "out"
    # Signals stay as they are in Python, which ignores SIGXFSZ: a file that grows too long is an error, not the end.
    with out.open("wb") as told:
        process = subprocess.Popen(command, stdout=told, stderr=told, restore_signals=False)
    try:
        deadline = time.monotonic() + 20
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                log = folder / "log"
                pytest.fail(f"{command[0]} does not run: {out.read_text()} {log.read_text() if log.exists() else ''}")
            time.sleep(0.02)
        yield process.pid
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    """Tell whether somebody listens, without a connection, which would be a session."""
    # psutil needs rights for that on some systems; the kernel's table does not.
    wanted = f"{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(line.split()[1].endswith(f":{wanted}") and line.split()[3] == "0A" for line in lines)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _account() -> pwd.struct_passwd:
    return pwd.getpwuid(os.getuid())


def _group() -> str:
    import grp

    return grp.getgrgid(os.getgid()).gr_name
