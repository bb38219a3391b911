"""One session with an FTP server: encrypted, logged in, and moving files."""

from __future__ import annotations

import contextlib
import ftplib
import socket
from collections.abc import Generator, Iterable

from prefect_mailroom.channels.ftp import data_link
from prefect_mailroom.channels.ftp.server import Security, Server
from prefect_mailroom.channels.ftp.wire import Dial, Wire

_CHUNK = 256 * 1024


class Client(Wire):
    """A session that is encrypted and logged in step by step, and then moves files.

    Attributes:
        features: what the server says that it can do, in upper case; known after the login.
        home: the folder after the login, as an absolute path.
    """

    def __init__(self, server: Server, link: socket.socket, dial: Dial) -> None:
        """Take over a connected socket. Nothing is sent or read yet."""
        super().__init__(server, link, dial)
        self.server = server
        self.features: frozenset[str] = frozenset()
        self.home = "/"

    def greet(self) -> str:
        """Wait for the server's greeting, and return it; for implicit TLS, encrypt first."""
        if self.server.security is Security.IMPLICIT:
            self.secure()
        self.welcome = self.getresp()
        return self.welcome

    def encrypt(self) -> None:
        """Ask for TLS where it is explicit."""
        if self.server.security is Security.EXPLICIT:
            self.voidcmd("AUTH TLS")
            self.secure()

    def log_in(self) -> None:
        """Send user name and password."""
        super(ftplib.FTP_TLS, self).login(self.server.username, self.server.password.get_secret_value())

    def prepare(self) -> None:
        """Protect the data connections, choose bytes as they are, and learn what the server can do."""
        if self.server.security is not Security.NONE:
            self.prot_p()
        self.voidcmd("TYPE I")
        self.features = self._asked_features()
        with contextlib.suppress(ftplib.error_perm):  # Servers that take UTF-8 always may not know the command.
            self.voidcmd("OPTS UTF8 ON")
        home = self.pwd()
        self.home = home if home.startswith("/") else "/"

    def store(self, path: str, chunks: Iterable[bytes]) -> str:
        """Upload, and return the server's confirmation.

        Raises:
            ftplib.Error: the server refused it, before, while or after the bytes were sent.
            OSError, EOFError: the connection was lost, or an answer did not come; the file may be there, or a part.
        """
        link = self.transfercmd(f"STOR {path}")
        try:
            for chunk in chunks:
                self.stop_if_cut()
                with self.reason_told():
                    link.sendall(chunk)
            data_link.finish(link)
        except (ftplib.Error, OSError, EOFError):
            raise
        except BaseException:  # The chunks have ended it; the server is to know, and the session goes on.
            self.forget_data()
            self.catch_up()
            raise
        finally:
            self.forget_data()
        return self.voidresp()

    def read(self, path: str) -> Generator[bytes, None, None]:
        """Download. Who stops in the middle may use the session again."""
        link = self.transfercmd(f"RETR {path}")
        try:
            while chunk := self._received(link):
                yield chunk
            data_link.finish(link)
        except GeneratorExit:
            self.forget_data()
            self.catch_up()
            raise
        finally:
            self.forget_data()
        self.voidresp()

    def _asked_features(self) -> frozenset[str]:
        try:
            lines = self.sendcmd("FEAT").splitlines()[1:-1]
        except ftplib.error_perm:
            return frozenset()
        return frozenset(line.strip().partition(" ")[0].upper() for line in lines)

    def _received(self, link: socket.socket) -> bytes:
        self.stop_if_cut()
        with self.reason_told():
            return link.recv(_CHUNK)
