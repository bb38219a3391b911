"""Mend the standard library's FTP client where it falls short.

- Data connections resume the TLS session of the control connection and pass the guard of what leaves: they lead to the
  peer of the control connection, never to the address that an answer names (a server could send us into our own
  network with it).
- EPSV comes first, PASV where a server does not know it.
- Every wait has an end, a session can be cut off from another thread, and an answer cannot be endless.

Everything here blocks. It raises what ftplib raises, and `OSError`; `answers.py` translates both.
"""

from __future__ import annotations

import contextlib
import ftplib
import socket
import ssl
from collections.abc import Callable, Iterator

from prefect_mailroom.channels.ftp import data_link
from prefect_mailroom.channels.ftp.server import Server, tls_context

Dial = Callable[[str, int], socket.socket]
"""Connect to a port of this address of the server, through the guard; see `outbound.connect`."""

_MOST_LINES = 1000
_LEAST_DATA_PORT = 1024


class Wire(ftplib.FTP_TLS):
    """Speak over the two connections of a session.

    Attributes:
        patience: how many seconds each answer may take.
        resumed: whether the last data connection resumed the TLS session of the control connection.
    """

    def __init__(self, server: Server, link: socket.socket, dial: Dial) -> None:
        """Take over a connected socket. Nothing is sent or read yet."""
        super().__init__(context=tls_context(server.ca_certificates), timeout=server.seconds, encoding="utf-8")
        self.host = server.host
        self.patience = server.seconds
        self.resumed = False
        self.af = link.family
        self._dial = dial
        self._peer = str(link.getpeername()[0])
        self._data: socket.socket | None = None
        self._knows_epsv = True
        self._is_cut = False
        self._take(link)

    def close(self) -> None:
        """Close the connections. Only the thread that uses them may do so; others `cut` them."""
        self._is_cut = True
        self.forget_data()
        super().close()

    def cut(self) -> None:
        """End the session at once, from whichever thread."""
        self._is_cut = True
        for link in (self.sock, self._data):
            if link is not None:
                data_link.cut(link)

    # These four replace parts of ftplib.

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """Open a data connection for a command; see `ftplib.FTP.ntransfercmd`."""
        _, port = self.makepasv()
        link = self._dial(self._peer, port)
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
                self.stop_if_cut()
                with self.reason_told():
                    link.do_handshake()
                self.resumed = bool(link.session_reused)
        except BaseException:
            self.forget_data()
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
        self.stop_if_cut()
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

    def secure(self) -> None:
        """Shake hands for TLS on the control connection; what the server said in the clear is forgotten."""
        assert self.sock is not None
        self.sock.settimeout(self.patience)
        link = data_link.encrypted(self.sock, self.context, self.host, None)
        self._take(link)
        link.do_handshake()

    def catch_up(self) -> ftplib.Error | None:
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
    def reason_told(self) -> Iterator[None]:
        """Raise the server's reason where a data connection breaks; the server gives it on the control connection."""
        try:
            yield
        except (TimeoutError, ssl.SSLCertVerificationError):
            raise  # These end it from our side.
        except OSError as error:
            self.forget_data()
            raise self.catch_up() or ftplib.error_temp("426 The data connection broke off.") from error

    def stop_if_cut(self) -> None:
        """Raise an error where the session was cut, since a connection of it may have been opened afterwards."""
        if self._is_cut:
            raise ConnectionAbortedError("the session was cut off")

    def forget_data(self) -> None:
        """Close the data connection, if there is one."""
        link, self._data = self._data, None
        if link is not None:
            link.close()

    def _take(self, link: socket.socket) -> None:
        self.sock = link
        self.stop_if_cut()
        # An answer may be in any encoding; it is shown at most.
        self.file = link.makefile("r", encoding=self.encoding, errors="replace")

    def _allowed(self, port: int) -> int:
        """Return the port of a data connection; below 1024 are services, which no FTP server listens on for data."""
        if not _LEAST_DATA_PORT <= port <= 65_535:
            raise ftplib.error_proto(f"a data connection to port {port}")
        return port
