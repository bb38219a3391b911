"""Run pyftpdlib in a thread: a whole FTP server that can be told to misbehave at any command."""

from __future__ import annotations

import contextlib
import errno
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from OpenSSL._util import lib
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.filesystems import AbstractedFS
from pyftpdlib.handlers import DTPHandler, FTPHandler, TLS_DTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from tests.support.certificates import self_signed

USERNAME, PASSWORD = "reports", "canary-ftp-password"

Action = Callable[[Any, Callable[[], None]], None]
"""An action happens at a command: it is given the session and what pyftpdlib would do."""


@dataclass
class ScriptedServer:
    """Tell the server how to misbehave: all but the first three can be changed at any time. By default, it works well.

    Attributes:
        root: the folder that a login begins in.
        ca: the certificate to trust; empty where nothing is encrypted.
        commands: every command that came, with its argument, in order.
        on: what happens at a command instead of what should.
        cut_at: end the session once so many bytes of a file have come.
        room: how many bytes of a file there is room for.
        sessions: how many sessions have begun.
    """

    port: int
    root: Path
    ca: str = ""
    commands: list[tuple[str, str]] = field(default_factory=list)
    on: dict[str, Action] = field(default_factory=dict)
    cut_at: int | None = None
    room: int | None = None
    sessions: int = 0

    def arguments(self, command: str) -> list[str]:
        """Return the arguments of each such command so far."""
        return [argument for name, argument in self.commands if name == command]

    def well(self) -> None:
        """Work again."""
        self.on.clear()
        self.cut_at = self.room = None


def say(line: str) -> Action:
    """Answer with this line, and do nothing."""
    return lambda session, do: session.respond(line)


def hang_up(session: Any, do: Callable[[], None]) -> None:
    """End the session without an answer, and do nothing."""
    session.close()


def hang_up_afterwards(session: Any, do: Callable[[], None]) -> None:
    """Do what was asked, and end the session without an answer."""
    session.respond = lambda *line, **how: None
    do()
    session.close()


def once(action: Action) -> Action:
    """Do this the first time, and what should be done from then on."""
    left = [action]

    def first(session: Any, do: Callable[[], None]) -> None:
        (left.pop() if left else _as_asked)(session, do)

    return first


def _as_asked(_: Any, do: Callable[[], None]) -> None:
    do()


@contextlib.contextmanager
def scripted(folder: Path, *, encrypted: bool = True, days: int = 2) -> Iterator[ScriptedServer]:
    """Run a server with explicit TLS, which demands that a data connection resumes the TLS session, or a plain one.

    Args:
        days: for how many days from today its certificate is valid.
    """
    root = folder / "root"
    root.mkdir(parents=True)
    far = ScriptedServer(0, root)
    if encrypted:
        far.ca = self_signed(folder, days=days).pem
    loop = IOLoop()
    server = FTPServer(("127.0.0.1", 0), _handler(far, folder), ioloop=loop)
    far.port = server.socket.getsockname()[1]
    ends = threading.Event()

    def serve() -> None:
        while not ends.is_set():
            loop.loop(timeout=0.02, blocking=False)
        server.close_all()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield far
    finally:
        ends.set()
        thread.join(10)


def _handler(far: ScriptedServer, folder: Path) -> type[FTPHandler]:
    logins = DummyAuthorizer()
    logins.add_user(USERNAME, PASSWORD, str(far.root), perm="elradfmw")
    base: Any = TLS_FTPHandler if far.ca else FTPHandler

    class Files(AbstractedFS):  # type: ignore[misc]  # pyftpdlib has no types.
        def open(self, filename: str, mode: str) -> Any:
            file = super().open(filename, mode)
            return _Watched(file, far, self.cmd_channel) if "w" in mode else file

    class Data(TLS_DTPHandler if far.ca else DTPHandler):  # type: ignore[misc]  # The same.
        def handle_ssl_established(self) -> None:
            if not lib.SSL_session_reused(self.socket._ssl):
                self.cmd_channel.respond("522 SSL connection failed: session reuse required")
                self.close()

        def handle_error(self) -> None:
            """Say why, as it does without TLS; inside TLS pyftpdlib 2.2 closes the connection and says nothing."""
            DTPHandler.handle_error(self)

    class Session(base):  # type: ignore[misc]  # The same.
        authorizer = logins
        abstracted_fs = Files
        dtp_handler = Data
        use_sendfile = False
        auth_failed_timeout = 0
        tls_control_required = tls_data_required = True
        certfile = str(folder / "chain.pem")
        ssl_context = None

        def on_connect(self) -> None:
            far.sessions += 1

        def process_command(self, cmd: str, *args: str, **kwargs: Any) -> None:
            far.commands.append((cmd, args[0] if args else ""))
            far.on.get(cmd, _as_asked)(self, lambda: super(Session, self).process_command(cmd, *args, **kwargs))

        def log(self, *_: Any, **__: Any) -> None:
            """Keep quiet: nobody reads it."""

        log_cmd = log_transfer = logerror = log

    if far.ca:
        Session.get_ssl_context().set_session_id(b"mailroom")
    return Session


class _Watched:
    """Limit a file: it has room for so many bytes, or its writer's session ends after so many."""

    def __init__(self, file: Any, far: ScriptedServer, session: Any) -> None:
        self._file, self._far, self._session = file, far, session
        self._size = 0

    def write(self, data: bytes) -> None:
        self._size += len(data)
        if self._far.room is not None and self._size > self._far.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._file.write(data)
        if self._far.cut_at is not None and self._size > self._far.cut_at:
            self._session.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
