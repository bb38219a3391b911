"""Hosts on one machine: each a network namespace with an address of its own, on one bridge with the middle.

Postgres, Redis, the mail server and the addresses before the servers are in the middle, where this program itself runs.
`enter` takes a program there; ordinary accounts can do so, too, since the kernel gives them a network of their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

LOOPBACK, MIDDLE = "127.0.0.1", "10.77.0.1"
_BRIDGE = "hosts"
_INSIDE = "BENCH_IN_A_NETWORK_OF_ITS_OWN"
# The processes of a host are not to have what the program needs to make hosts.
_WITHOUT_RIGHTS = ("setpriv", "--ambient-caps=-all", "--inh-caps=-all")


@dataclass
class Hosts:
    """The hosts of a stack, by their numbers from 1. Unless they are `apart`, all are this machine's own loopback."""

    apart: bool = False
    cut_off: set[int] = field(default_factory=set)
    _held: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def middle(self) -> str:
        """Return the address at which every host finds the stores, the mail server and the addresses before servers."""
        return MIDDLE if self.apart else LOOPBACK

    def address(self, number: int) -> str:
        """Return the address of a host."""
        return f"10.77.0.{10 + number}" if self.apart else LOOPBACK

    def inside(self, number: int) -> tuple[str, ...]:
        """Return the words before a command that run it on a host; the process keeps its id."""
        if not self.apart:
            return ()
        if number not in self._held:
            self._held[number] = self._make(number)
        return (*_enter(self._held[number].pid), *_WITHOUT_RIGHTS)

    def _make(self, number: int) -> subprocess.Popen[bytes]:
        # It tells that it is in its namespace by closing its output.
        held = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"], stdout=subprocess.PIPE)
        assert held.stdout is not None, "it is a pipe"
        held.stdout.readline()
        peer = ("type", "veth", "peer", "name", "eth0", "netns", str(held.pid))
        _ip("link", "add", "name", _link(number), *peer)
        _ip("link", "set", _link(number), "master", _BRIDGE, "up")
        for words in (
            ("link", "set", "lo", "up"),
            ("address", "add", f"{self.address(number)}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
        ):
            subprocess.run([*_enter(held.pid), "ip", *words], check=True)
        return held

    def cut(self, number: int) -> None:
        """Cut a host off: what it sends reaches nobody, nobody reaches it, and neither side is told."""
        _ip("link", "set", _link(number), "nomaster")
        self.cut_off.add(number)

    def join(self, number: int) -> None:
        """Join a host that was cut off."""
        _ip("link", "set", _link(number), "master", _BRIDGE)
        self.cut_off.discard(number)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Have the hosts while the block runs, if they are apart."""
        if self.apart:
            _ip("link", "set", "lo", "up")
            _ip("link", "add", "name", _BRIDGE, "type", "bridge")
            _ip("address", "add", f"{MIDDLE}/24", "dev", _BRIDGE)
            _ip("link", "set", _BRIDGE, "up")
        try:
            yield
        finally:
            for held in self._held.values():
                held.kill()
                held.wait()


def is_inside() -> bool:
    """Tell whether this process is in a network of its own."""
    return _INSIDE in os.environ


def can_be_apart() -> bool:
    """Tell whether this machine lets us make hosts."""
    if any(shutil.which(name) is None for name in ("unshare", "nsenter", "setpriv", "ip")):
        return False
    command = [*_own_network(), "ip", "link", "add", "name", _BRIDGE, "type", "bridge"]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def entering(command: Sequence[str], environment: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Return the command, and the environment, that run a command in a network of its own; the process keeps its id."""
    return [*_own_network(), *command], {**environment, _INSIDE: "1"}


def enter(module: str) -> None:
    """Start this program, which is `python -m module`, again in a network of its own, unless it is there."""
    if not is_inside():
        command, environment = entering([sys.executable, "-m", module], os.environ)
        os.execvpe(command[0], command, environment)


def _own_network() -> list[str]:
    ours = () if os.geteuid() == 0 else ("--user", "--map-current-user", "--keep-caps")
    return ["unshare", *ours, "--net"]


def _enter(pid: int) -> tuple[str, ...]:
    return ("nsenter", f"--net=/proc/{pid}/ns/net")


def _link(number: int) -> str:
    return f"host{number}"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
