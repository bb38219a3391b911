"""A webhook endpoint on this machine that checks what it gets against Standard Webhooks, as any receiver would."""

from __future__ import annotations

import base64
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

_MAX_BODY = 1_000_000


@dataclass
class Receiver:
    """Keeps what has arrived: bodies by `webhook-id` where the signature is right, and what was refused."""

    url: str
    secret: str = field(repr=False)
    accepted: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        """Check and keep one request; returns the HTTP status."""
        try:
            Webhook(self.secret).verify(body, headers)
            facts = json.loads(body)
        except (WebhookVerificationError, ValueError) as error:
            self.refused.append(str(error) or type(error).__name__)
            return 401
        self.accepted[headers["webhook-id"]] = facts
        return 204


@contextmanager
def receiving(host: str) -> Iterator[Receiver]:
    """Run a receiver with a secret of its own on a free port."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()

    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # Seconds that a connection may be silent.

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", "0"))
            if length > _MAX_BODY:
                self._answer(413)
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._answer(receiver.take(self.rfile.read(length), headers))

        def do_HEAD(self) -> None:
            self._answer(204)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
            """Say nothing: what arrived is in the table at the end."""

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

    with ThreadingHTTPServer((host, 0), Handler) as server:
        receiver = Receiver(f"http://{host}:{server.server_port}/reports", secret)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
