"""A real OIDC provider on this machine: oidc-provider-mock, which also checks PKCE here and tells what it was asked."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask
import jwt
import oidc_provider_mock
from authlib import jose
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from werkzeug.serving import BaseWSGIServer, make_server

AUDIENCE = "https://mailroom.test/api"
CLIENT = "mailroom-client"


class IdentityProvider:
    """The provider, and what a test does to it. `asked` counts the requests to each of its paths."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.changes: dict[str, Any] = {}
        """Replaces parts of the discovery document."""
        self._challenges: dict[str, str] = {}
        self._storage: Any = None
        self._app = oidc_provider_mock.app(require_nonce=True)
        self._app.before_request(self._before)
        self._app.after_request(self._after)
        self._server: BaseWSGIServer | None = None

    @property
    def issuer(self) -> str:
        """The address by which it calls itself."""
        assert self._server is not None
        return f"http://localhost:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator[IdentityProvider]:
        """Serve from a thread for the length of the block."""
        self._server = make_server("localhost", 0, self._app, threaded=True)
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        with self._app.test_client() as first:
            first.get("/jwks")  # So that its storage is known here.
        self.asked.clear()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join(10)
            self._server.server_close()

    def _before(self) -> flask.Response | None:
        self._storage = flask.g.oidc_provider_mock_storage
        self.asked[flask.request.path] += 1
        if flask.request.path != "/oauth2/token":
            return None
        wanted = self._challenges.get(flask.request.form.get("code", ""))
        verifier = flask.request.form.get("code_verifier", "")
        given = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        return None if wanted == given else flask.Response('{"error": "invalid_grant"}', 400)

    def _after(self, answer: flask.Response) -> flask.Response:
        location = answer.headers.get("Location", "")
        code = parse_qs(urlsplit(location).query).get("code")
        if flask.request.path == "/oauth2/authorize" and code:
            assert flask.request.args["code_challenge_method"] == "S256"
            self._challenges[code[0]] = flask.request.args["code_challenge"]
        if self.changes and flask.request.path.endswith("openid-configuration"):
            answer.data = flask.json.dumps({**(answer.get_json() or {}), **self.changes})
        return answer

    def user(self, subject: str, **claims: Any) -> None:
        """Tell it of a user, with the claims that its tokens have."""
        self._storage.store_user(oidc_provider_mock.User(sub=subject, claims=claims))

    def rotate(self) -> None:
        """Let it sign with a new key; it publishes the old one no longer."""
        self._storage.jwk = jose.RSAKey.generate_key(is_private=True)

    @property
    def kid(self) -> str:
        """The id of its key."""
        return str(self._storage.jwk.as_dict()["kid"])

    @property
    def private_key(self) -> str:
        """Its key, as PEM."""
        return str(self._storage.jwk.as_pem(is_private=True).decode())

    @property
    def public_key(self) -> bytes:
        """The public half of its key, as PEM."""
        return bytes(self._storage.jwk.as_pem(is_private=False))

    def claims(self, subject: str, **changes: Any) -> dict[str, Any]:
        """Return the claims of a bearer token for us; a change to None removes one."""
        now = int(time.time())
        made = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now,
            "exp": now + 300,
            "email": f"{subject}@example.com",
            "name": subject.title(),
            "roles": ["makers"],
        }
        return {name: value for name, value in (made | changes).items() if value is not None}

    def token(self, subject: str, **changes: Any) -> str:
        """Return a bearer token that it has signed."""
        return self.signed(self.claims(subject, **changes))

    def signed(self, claims: dict[str, Any], **header: Any) -> str:
        """Return these claims with its signature."""
        return jwt.encode(claims, _loaded(self.private_key), "RS256", headers={"kid": self.kid, **header})


@cache
def _loaded(pem: str) -> RSAPrivateKey:
    """Return the key itself: to read it takes 50 ms, for it is checked each time."""
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, RSAPrivateKey)
    return key
