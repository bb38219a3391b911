"""Postfix's smtp-sink: an SMTP server that takes everything, or fails where it is told to. It runs without root.

with smtp_sink() as sink: ...                 # takes every mail
with smtp_sink("-q", ".") as sink: ...        # hangs up after the final dot; see smtp-sink(1) for the others
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.accounts import short_folder, unprivileged
from tests.support.programs import needs
from tests.support.waiting import eventually_sync

_MAIL = re.compile(rb"X-Mail-Args: <(.*?)>")
_RCPT = re.compile(rb"X-Rcpt-Args: <(.*?)>")
# The last of the headers that smtp-sink itself writes, three lines long; ours begin after it.
_OWN_HEADERS = re.compile(rb"^Received: from .*\n\t.*\n\t.*\n", re.MULTILINE)


@dataclass(frozen=True)
class Sunk:
    """A mail as it arrived. `content` has line feeds in place of CRLF: smtp-sink writes it so."""

    sender: str
    recipients: list[str]
    content: bytes


@dataclass(frozen=True)
class Sink:
    """A running smtp-sink. `name` is what it calls itself."""

    port: int
    folder: Path
    process: psutil.Popen
    name: str = "sink.test"

    def mails(self) -> list[Sunk]:
        """Return each mail whose final dot arrived, in order."""
        files = sorted(self.folder.glob("mail.*"), key=lambda file: file.stat().st_mtime_ns)
        return [sunk for file in files if (sunk := _read(file.read_bytes()))]

    def connections(self) -> int:
        """Return how many clients are connected now."""
        return sum(link.status == psutil.CONN_ESTABLISHED for link in self.process.net_connections("tcp"))


def _read(dumped: bytes) -> Sunk | None:
    own = _OWN_HEADERS.search(dumped)
    sender = _MAIL.search(dumped)
    if own is None or sender is None:
        return None
    envelope, content = dumped[: own.start()], dumped[own.end() :]
    recipients = [found.decode() for found in _RCPT.findall(envelope)]
    return Sunk(sender.group(1).decode(), recipients, content.removesuffix(b"\n"))


@contextmanager
def smtp_sink(*options: str, port: int = 0) -> Iterator[Sink]:
    """Run smtp-sink with these options on a free port while the block does."""
    program = needs("smtp-sink", "postfix")
    account = ["-u", unprivileged()] if os.geteuid() == 0 else []
    with short_folder() as folder:
        chosen = port or free_port()
        command = [str(program), *account, "-h", Sink.name, "-d", "mail.", *options, f"127.0.0.1:{chosen}", "100"]
        process = psutil.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
        try:
            eventually_sync(lambda: _listens(process) or process.poll() is not None, pause=0.01)
            assert process.poll() is None, "smtp-sink does not start."
            yield Sink(chosen, folder, process)
        finally:
            process.terminate()
            process.wait()


def _listens(process: psutil.Popen) -> bool:
    try:
        return any(link.status == psutil.CONN_LISTEN for link in process.net_connections("tcp"))
    except psutil.Error:
        return False


def free_port() -> int:
    """Return a port that was free a moment ago."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
