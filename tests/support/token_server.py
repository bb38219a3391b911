"""Run a real HTTP server that gives access tokens as Microsoft and Google do, and tells mail servers which are good.

It checks what a client must send: the secret of an app, the signature and claims of a service account's assertion, the
refresh token. `/introspect` answers after RFC 7662, which dovecot asks.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

CLIENT_ID = "11111111-2222-3333-4444-555555555555"
CLIENT_SECRET = "canary-client-secret"
REFRESH_TOKEN = "canary-refresh-token"
MAILBOX = "reports@example.com"
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE_KEY = _KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


@dataclass
class TokenServer:
    """Tell the server what to do; a test may change this at any time.

    Attributes:
        asked: the form of each request for a token, in order.
        good: the tokens that it gives and that are taken; `revoke` empties it.
        lasts: the seconds that a token is said to last.
        fails: (status, answer) in place of a token.
        rotates: whether a refresh token is replaced at each use.
        hold: set it to nothing to let requests wait until it is set.
    """

    port: int = 0
    asked: list[dict[str, str]] = field(default_factory=list)
    good: set[str] = field(default_factory=set)
    lasts: int = 3600
    fails: tuple[int, dict[str, Any]] | None = None
    rotates: bool = False
    refresh_token: str = REFRESH_TOKEN
    hold: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"

    def google_key(self) -> str:
        """Return the key file of a service account that it knows."""
        return json.dumps(
            {
                "type": "service_account",
                "client_email": "mailroom@project.iam.example",
                "private_key_id": "k1",
                "private_key": PRIVATE_KEY,
                "token_uri": f"{self.url}/google",
            }
        )

    def revoke(self) -> None:
        """Let no token be good that was given so far."""
        self.good.clear()

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer a request for a token."""
        self.asked.append(form)
        self.hold.wait(20)
        if self.fails:
            return self.fails
        refused = self._why_not(path, form)
        if refused:
            return 400, {"error": refused, "error_description": f"AADSTS7000215: no, {form}"}
        token = f"canary-access-{secrets.token_hex(8)}"
        self.good.add(token)
        given: dict[str, Any] = {"token_type": "Bearer", "access_token": token, "expires_in": self.lasts}
        if self.rotates:
            self.refresh_token = given["refresh_token"] = f"canary-refresh-{secrets.token_hex(4)}"
        return 200, given

    def _why_not(self, path: str, form: dict[str, str]) -> str:
        grant = form.get("grant_type", "")
        if path == "/google":
            return self._why_not_signed(form) if grant.endswith(":jwt-bearer") else "unsupported_grant_type"
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return "invalid_client"
        if path == "/contoso/oauth2/v2.0/token":
            wanted = ("client_credentials", "https://outlook.office365.com/.default")
            return "" if (grant, form.get("scope")) == wanted else "invalid_scope"
        good = grant == "refresh_token" and form.get("refresh_token") == self.refresh_token
        return "" if good and path == "/token" else "invalid_grant"

    def _why_not_signed(self, form: dict[str, str]) -> str:
        try:
            token = jwt.decode(form["assertion"], RSAKey.import_key(PRIVATE_KEY), algorithms=["RS256"])
        except (JoseError, ValueError, KeyError):
            return "invalid_grant"
        wanted = {
            "iss": "mailroom@project.iam.example",
            "sub": MAILBOX,
            "aud": f"{self.url}/google",
            "scope": "https://mail.google.com/",
        }
        same = all(token.claims.get(name) == value for name, value in wanted.items())
        return "" if same and token.claims["exp"] - token.claims["iat"] <= 3600 else "invalid_grant"


@contextmanager
def token_server() -> Iterator[TokenServer]:
    """Serve from threads while the block runs."""
    server = TokenServer()
    server.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self._say(*server.answer(self.path, {name: values[0] for name, values in parse_qs(body).items()}))

        def do_GET(self) -> None:
            token = parse_qs(urlsplit(self.path).query).get("token", [""])[0]
            good = {"active": True, "sub": MAILBOX, "email": MAILBOX} if token in server.good else {"active": False}
            self._say(200, good)

        def _say(self, status: int, answer: dict[str, Any]) -> None:
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.port = http.server_address[1]
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join(10)
        http.server_close()
