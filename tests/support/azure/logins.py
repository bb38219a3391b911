"""Give bearer tokens as Microsoft Entra does over TLS, and as the machine's own identity service does over HTTP.

Azurite looks at the issuer of a token, at whom it is for, and at its times; at its signature it cannot look.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt

TENANT = "11111111-1111-1111-1111-111111111111"
CLIENT = "22222222-2222-2222-2222-222222222222"
SECRET = "canary-client-secret"
HEADER = "canary-identity-header"


@dataclass
class Logins:
    """One that runs.

    Attributes:
        port: where it speaks TLS, as Entra does.
        machine_port: where it speaks HTTP, as the service of a machine does.
        asked: the form or query of each request for a token.
        tokens: those that it gave.
    """

    port: int = 0
    machine_port: int = 0
    asked: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def token(self) -> dict[str, Any]:
        """Return a new token in the form of an answer."""
        now = datetime.now(UTC)
        ends = now + timedelta(hours=1)
        claims = {
            "iss": f"https://sts.windows.net/{TENANT}/",
            "aud": "https://storage.azure.com",
            "iat": now,
            "nbf": now - timedelta(minutes=1),
            "exp": ends,
            "oid": CLIENT,
            "tid": TENANT,
        }
        made = jwt.encode(claims, "a key of 32 bytes, which nobody ...", algorithm="HS256")
        self.tokens.append(made)
        return {
            "access_token": made,
            "token_type": "Bearer",
            "expires_in": "3600",
            "expires_on": str(int(ends.timestamp())),
            "resource": "https://storage.azure.com",
        }

    def answer(self, path: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer one request."""
        base = f"https://127.0.0.1:{self.port}/{TENANT}"
        if path.endswith("/openid-configuration"):
            known = {"authorization_endpoint": f"{base}/oauth2/v2.0/authorize", "issuer": f"{base}/v2.0"}
            return 200, {**known, "token_endpoint": f"{base}/oauth2/v2.0/token"}
        self.asked.append(form)
        if path == "/machine":
            is_right = headers.get("X-IDENTITY-HEADER") == HEADER
            return (200, self.token()) if is_right else (401, {"error": "unauthorized"})
        if form.get("client_id") == CLIENT and form.get("client_secret") == SECRET:
            told = self.token()
            return 200, {**told, "expires_in": 3600}
        error = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}
        return 401, error


@contextlib.contextmanager
def logins(folder: Path) -> Iterator[Logins]:
    """Run one while the block does.

    Args:
        folder: one that has a certificate, as `chain.pem`.
    """
    found = Logins()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(urlsplit(self.path).query)

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

        def _answer(self, text: str) -> None:
            form = {name: values[0] for name, values in parse_qs(text).items()}
            status, told = found.answer(urlsplit(self.path).path, form, dict(self.headers.items()))
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem")
    encrypted, plain = (ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2))
    encrypted.socket = context.wrap_socket(encrypted.socket, server_side=True)
    found.port, found.machine_port = encrypted.server_address[1], plain.server_address[1]
    with encrypted, plain:
        for server in (encrypted, plain):
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield found
        finally:
            for server in (encrypted, plain):
                server.shutdown()
