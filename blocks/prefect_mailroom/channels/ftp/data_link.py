"""One data connection, from its TLS handshake to its goodbye."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl

_GOODBYE_SECONDS = 5


def encrypted(link: socket.socket, context: ssl.SSLContext, host: str, session: ssl.SSLSession | None) -> ssl.SSLSocket:
    """Return the link inside TLS whose handshake is still to be done, so that another thread can close it meanwhile.

    Args:
        session: the TLS session to resume; vsftpd and proftpd refuse a data connection that does not resume the
            control connection's (https://security.appspot.com/vsftpd/vsftpd_conf.html, `require_ssl_reuse`).
    """
    return context.wrap_socket(link, server_hostname=host, session=session, do_handshake_on_connect=False)


def cut(link: socket.socket) -> None:
    """End a connection at once, from whichever thread; whoever reads or writes it gets an error.

    `SSLSocket.shutdown` would switch the encryption off first, and another thread could write in the clear.
    """
    with contextlib.suppress(OSError):
        socket.socket.shutdown(link, socket.SHUT_RDWR)


def finish(link: socket.socket) -> None:
    """End the sending direction in the way that every server understands, and wait until the server has read it all.

    A server takes an upload without TLS's own goodbye for cut off. Some never send theirs but wait for the end of the
    TCP stream instead (IIS), so ours is sent, then the stream is ended, and only then is the server's awaited: what
    it sends must be read, since closing a socket with unread bytes resets it, and the upload may be lost with it.
    The answer on the control connection says whether the server has the file, so an error here decides nothing.
    """
    with contextlib.suppress(OSError):
        waits = isinstance(link, ssl.SSLSocket) and _send_goodbye(link)
        socket.socket.shutdown(link, socket.SHUT_WR)
        if waits and isinstance(link, ssl.SSLSocket):
            link.settimeout(_GOODBYE_SECONDS)
            link.unwrap()


def _send_goodbye(link: ssl.SSLSocket) -> bool:
    """Send TLS's goodbye without waiting for the server's; tell whether that is still to come."""
    writable = select.poll()
    writable.register(link.fileno(), select.POLLOUT)
    link.setblocking(False)
    while True:
        try:
            link.unwrap()
        except ssl.SSLWantWriteError:
            if not writable.poll(_GOODBYE_SECONDS * 1000):
                raise TimeoutError from None
        except ssl.SSLWantReadError:
            return True
        else:
            return False
