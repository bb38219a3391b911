"""The two servers: SMTP in, web page out, over one folder."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session

from embedded.mailcatcher.store import MAX_MAIL_BYTES, MailStore
from embedded.mailcatcher.web import web_app
from prefect_mailroom.errors import ConfigurationError


async def serve_mailcatcher(folder: Path, smtp_port: int, web_port: int, host: str = "127.0.0.1") -> None:
    """Take mail at `smtp_port`, show it at `web_port`, until cancelled or interrupted.

    Args:
        folder: made if missing; its mails are shown again after a restart.

    Raises:
        ConfigurationError: a port is in use.
    """
    store = await asyncio.to_thread(MailStore, folder)
    with _listen(host, smtp_port) as smtp_socket, _listen(host, web_port) as web_socket:
        loop = asyncio.get_running_loop()
        receiver = await loop.create_server(
            lambda: SMTP(_Handler(store), data_size_limit=MAX_MAIL_BYTES, enable_SMTPUTF8=True, hostname="mailcatcher"),
            sock=smtp_socket,
        )
        config = uvicorn.Config(web_app(store, host), log_level="warning", lifespan="off", access_log=False)
        try:
            await uvicorn.Server(config).serve(sockets=[web_socket])
        finally:
            receiver.close()


class _Handler:
    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name.
        content = envelope.content
        assert isinstance(content, bytes)
        identifier = await asyncio.to_thread(
            self._store.add, content, str(envelope.mail_from or ""), [str(address) for address in envelope.rcpt_tos]
        )
        return f"250 2.0.0 OK: queued as {identifier}"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise ConfigurationError(
            f"The mail catcher cannot listen on {host}:{port}: {error.strerror}.",
            remedy="Stop the program that uses the port, or choose another port.",
        ) from error
