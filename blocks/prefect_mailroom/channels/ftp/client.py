"""One session with an FTP server, through the standard library, mended where that falls short.

- Data connections resume the TLS session of the control connection, end with TLS's goodbye, and pass the guard of what
  leaves: they lead to the peer of the control connection, never to the address that an answer names (a server could
  send us into our own network with it).
- EPSV comes first, PASV where a server does not know it.
- Every wait has an end, a session can be cut off from another thread, and an answer cannot be endless.

Everything here blocks. It raises what ftplib raises, and `OSError`; `answers.py` translates both.
"""

from __future__ import annotations

import contextlib
import ftplib
import socket
import ssl
from collections.abc import Callable, Generator, Iterable, Iterator

from prefect_mailroom.channels.ftp import data_link
from prefect_mailroom.channels.ftp.server import Security, Server, tls_context

Dial = Callable[[str, int], socket.socket]
"""Connects to a port of this address of the server, through the guard; see `outbound.connect`."""

_CHUNK = 256 * 1024
_MOST_LINES = 1000
_LEAST_DATA_PORT = 1024


class Client(ftplib.FTP_TLS):
    """A session that is encrypted and logged in step by step, and then moves files.

    Attributes:
        patience: how many seconds each answer may take.
        resumed: whether the last data connection resumed the TLS session of the control connection.
        features: what the server says that it can do, in upper case; known after the login.
        home: the folder after the login, as an absolute path.
    """

    def __init__(self, server: Server, link: socket.socket, dial: Dial) -> None:
        """Take over a connected socket. Nothing is sent or read yet."""
        super().__init__(
            context=tls_context(server.ca_certificates),
            timeout=server.seconds,
            encoding="utf-8",
        )
        self.server = server
        self.host = server.host
        self.dial = dial
        self.patience = server.seconds
        self.resumed = False
        self.features: frozenset[str] = frozenset()
        self.home = "/"
        self._data: socket.socket | None = None
        self._knows_epsv = True
        self._is_cut = False
        self.af = link.family
        self._peer = str(link.getpeername()[0])
        self._take(link)

    def greet(self) -> str:
        """Wait for the server's greeting, and return it; for implicit TLS, encrypt first."""
        if self.server.security is Security.IMPLICIT:
            self._encrypt()
        self.welcome = self.getresp()
        return self.welcome

    def encrypt(self) -> None:
        """Ask for TLS where it is explicit; whatever the server said before in the clear is forgotten."""
        if self.server.security is Security.EXPLICIT:
            self.voidcmd("AUTH TLS")
            self._encrypt()

    def log_in(self) -> None:
        """Send user name and password."""
        super(ftplib.FTP_TLS, self).login(self.server.username, self.server.password.get_secret_value())

    def prepare(self) -> None:
        """Protect the data connections, choose bytes as they are, and learn what the server can do."""
        if self.is_encrypted:
            self.prot_p()
        self.voidcmd("TYPE I")
        self.features = self._asked_features()
        with contextlib.suppress(ftplib.error_perm):  # Servers that take UTF-8 always may not know the command.
            self.voidcmd("OPTS UTF8 ON")
        home = self.pwd()
        self.home = home if home.startswith("/") else "/"

    @property
    def is_encrypted(self) -> bool:
        """Tell whether the control connection is inside TLS."""
        return isinstance(self.sock, ssl.SSLSocket)

    def store(self, path: str, chunks: Iterable[bytes]) -> str:
        """Upload, and return the server's confirmation.

        Raises:
            ftplib.Error: the server refused it, before, while or after the bytes were sent.
            OSError, EOFError: the connection was lost, or an answer did not come; the file may be there, or a part.
        """
        link = self.transfercmd(f"STOR {path}")
        try:
            for chunk in chunks:
                self._stop_if_cut()
                with self._reason_told():
                    link.sendall(chunk)
            data_link.finish(link)
        except (ftplib.Error, OSError, EOFError):
            raise
        except BaseException:  # The chunks have ended it; the server is to know, and the session goes on.
            self._forget_data()
            self._catch_up()
            raise
        finally:
            self._forget_data()
        return self.voidresp()

    def read(self, path: str) -> Generator[bytes, None, None]:
        """Download. Who stops in the middle may use the session again."""
        link = self.transfercmd(f"RETR {path}")
        try:
            while chunk := self._received(link):
                yield chunk
            data_link.finish(link)
        except GeneratorExit:
            self._forget_data()
            self._catch_up()
            raise
        finally:
            self._forget_data()
        self.voidresp()

    def close(self) -> None:
        """Close the connections. Only the thread that uses them may do so; others `cut` them."""
        self._is_cut = True
        self._forget_data()
        super().close()

    def cut(self) -> None:
        """End the session at once, from whichever thread."""
        self._is_cut = True
        for link in (self.sock, self._data):
            if link is not None:
                data_link.cut(link)

    # What follows replaces parts of ftplib.

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """Open a data connection for a command; see `ftplib.FTP.ntransfercmd`."""
        _, port = self.makepasv()
        link = self.dial(self._peer, port)
        self._data = link
        try:
            link.settimeout(self.patience)
            answer = self.sendcmd(cmd)
            if answer[0] == "2":  # Some servers confirm a former transfer here; ftplib skips that as well.
                answer = self.getresp()
            if answer[0] != "1":
                raise ftplib.error_reply(answer)
            if isinstance(self.sock, ssl.SSLSocket):
                # The session is taken as late as this, since TLS 1.3 sends it some time after the handshake.
                link = data_link.encrypted(link, self.context, self.host, self.sock.session)
                self._data = link
                self._stop_if_cut()
                with self._reason_told():
                    link.do_handshake()
                self.resumed = bool(link.session_reused)
        except BaseException:
            self._forget_data()
            raise
        return link, None

    def makepasv(self) -> tuple[str, int]:
        """Ask for a port to connect to. The address that PASV names is not even looked at."""
        if self._knows_epsv:
            try:
                _, port = ftplib.parse229(self.sendcmd("EPSV"), (self._peer, 0))
                return self._peer, self._allowed(port)
            except ftplib.error_perm:
                if self.af == socket.AF_INET6:
                    raise  # PASV can only name IPv4.
                self._knows_epsv = False
        _, port = ftplib.parse227(self.sendcmd("PASV"))
        return self._peer, self._allowed(port)

    def putline(self, line: str) -> None:
        """Send a line, which has to be one."""
        if any(character in line for character in "\r\n\0"):
            raise ValueError("a command with a line break or NUL")
        self._stop_if_cut()
        self.sock.settimeout(self.patience)  # type: ignore[union-attr]  # It is connected.
        super().putline(line)

    def getmultiline(self) -> str:
        """Read an answer of bounded length; see `ftplib.FTP.getmultiline`."""
        line = self.getline()
        if line[3:4] != "-":
            return line
        lines, code = [line], line[:3]
        while not (line[:3] == code and line[3:4] != "-"):
            line = self.getline()
            lines.append(line)
            if len(lines) > _MOST_LINES:
                raise ftplib.error_proto("an endless answer")
        return "\n".join(lines)

    def _take(self, link: socket.socket) -> None:
        self.sock = link
        self._stop_if_cut()
        # An answer may be in any encoding; it is shown at most.
        self.file = link.makefile("r", encoding=self.encoding, errors="replace")

    def _encrypt(self) -> None:
        assert self.sock is not None
        self.sock.settimeout(self.patience)
        link = data_link.encrypted(self.sock, self.context, self.host, None)
        self._take(link)
        link.do_handshake()

    def _asked_features(self) -> frozenset[str]:
        try:
            lines = self.sendcmd("FEAT").splitlines()[1:-1]
        except ftplib.error_perm:
            return frozenset()
        return frozenset(line.strip().partition(" ")[0].upper() for line in lines)

    def _allowed(self, port: int) -> int:
        """Return the port of a data connection; below 1024 are services, which no FTP server listens on for data."""
        if not _LEAST_DATA_PORT <= port <= 65_535:
            raise ftplib.error_proto(f"a data connection to port {port}")
        return port

    def _received(self, link: socket.socket) -> bytes:
        self._stop_if_cut()
        with self._reason_told():
            return link.recv(_CHUNK)

    def _catch_up(self) -> ftplib.Error | None:
        """Read what the server has to say about a transfer that ended in its middle, and return its reason.

        Some say nothing (pyftpdlib, where its disk is full), some twice. The answer to NOOP comes after all of it.
        """
        reason: ftplib.Error | None = None
        self.putcmd("NOOP")
        for _ in range(4):
            try:
                if self.getresp().startswith("200"):
                    return reason
            except (ftplib.error_temp, ftplib.error_perm) as error:
                reason = reason or error
        raise ftplib.error_proto("no answer to NOOP")

    @contextlib.contextmanager
    def _reason_told(self) -> Iterator[None]:
        """Where a data connection breaks, raise the server's reason, which it gives on the control connection."""
        try:
            yield
        except (TimeoutError, ssl.SSLCertVerificationError):
            raise  # These end it from our side.
        except OSError as error:
            self._forget_data()
            raise self._catch_up() or ftplib.error_temp("426 The data connection broke off.") from error

    def _stop_if_cut(self) -> None:
        if self._is_cut:
            raise ConnectionAbortedError("the session was cut off")

    def _forget_data(self) -> None:
        link, self._data = self._data, None
        if link is not None:
            link.close()
