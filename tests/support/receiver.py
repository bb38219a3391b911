"""A real HTTP server that takes signed requests, as the system of an operator would, and keeps what was well signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "whsec_" + base64.b64encode(b"canary-secret-of-the-receiver").decode()


@dataclass
class Receiver:
    """Attributes: `requests` are the bodies that were well signed, by their id; `refused` counts all others.

    A request that comes again under the same id is a repeat, which a receiver that follows the standard drops.
    """

    port: int = 0
    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    repeats: int = 0
    refused: int = 0

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}/incidents"

    def take(self, headers: dict[str, str], body: bytes) -> bool:
        """Keep a request that is signed as Standard Webhooks say; tell whether it is."""
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        name = headers.get("webhook-id", "")
        signed = f"{name}.{headers.get('webhook-timestamp', '')}.".encode() + body
        wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        if not name or wanted not in headers.get("webhook-signature", "").split():
            self.refused += 1
            return False
        self.repeats += name in self.requests
        self.requests[name] = json.loads(body)
        return True


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Serve on a free port of this machine while the block runs."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(204 if receiver.take(headers, body) else 401)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, name="receiver", daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
