"""Give out access tokens as Google does: by a key's assertion, by the metadata server, by impersonation; and sign.

It checks what a client has to send, and counts on nothing else.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

ACCOUNT = "mailroom@project.iam.gserviceaccount.com"
MACHINE = "machine@project.iam.gserviceaccount.com"
TARGET = "reports@project.iam.gserviceaccount.com"
STORAGE_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
FULL_SCOPE = "https://www.googleapis.com/auth/devstorage.full_control"
AUDIENCE = "https://oauth2.googleapis.com/token"
IAM_SCOPE = "https://www.googleapis.com/auth/iam"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE_KEY = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
SECRETS = (PRIVATE_KEY.splitlines()[2], "canary-token")

Answer = tuple[int, dict[str, Any]]


@dataclass
class Identities:
    """What was given out; a test may change it at any time.

    Attributes:
        good: for each token whom it stands for, and the scope; `clear` it, and no token is good any more.
        asked: the paths of the requests for tokens and signatures, in order.
        lasts: the seconds that a token is said to last.
        fails: an answer in place of each token.
    """

    good: dict[str, tuple[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    lasts: int = 3600
    fails: Answer | None = None

    def key_file(self, base: str) -> str:
        """Return the key file of an account, whose tokens are given out at `base`."""
        told = {"type": "service_account", "project_id": "mailroom", "private_key_id": "k1", "private_key": PRIVATE_KEY}
        return json.dumps({**told, "client_email": ACCOUNT, "token_uri": f"{base}/token"})

    def who(self, authorization: str, scope: str) -> str:
        """Return whom a header stands for; empty where its token is not good, or for something else."""
        account, allowed = self.good.get(authorization.removeprefix("Bearer "), ("", ""))
        is_allowed = {scope, FULL_SCOPE if scope == STORAGE_SCOPE else scope} & set(allowed.split())
        return account if is_allowed else ""

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Answer | None:
        """Answer a request for a token or a signature; None for anything else."""
        bare = path.partition("?")[0]
        asks = bare == "/token" or bare.startswith(("/computeMetadata/", "/v1/projects/-/serviceAccounts/"))
        if not asks:
            return None
        self.asked.append(bare)
        if self.fails is not None:
            return self.fails
        if bare == "/token":
            return self._by_assertion(body.decode(), f"http://{headers['host']}/token")
        if bare.startswith("/computeMetadata/"):
            return self._of_machine(bare, path, headers)
        account, _, verb = bare.rpartition("/")[2].partition(":")
        caller = self.who(headers.get("authorization", ""), IAM_SCOPE)
        if not caller or (verb == "generateAccessToken" and account != TARGET):
            return 403, {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "canary-answer"}}
        told = json.loads(body)
        if verb == "generateAccessToken":
            token = self._token(account, " ".join(told["scope"]))
            return 200, {"accessToken": token, "expireTime": "2099-01-01T00:00:00Z"}
        signature = KEY.sign(base64.b64decode(told["payload"]), padding.PKCS1v15(), hashes.SHA256())
        return 200, {"keyId": "k2", "signedBlob": base64.b64encode(signature).decode()}

    def _token(self, account: str, scope: str) -> str:
        token = f"canary-token-{secrets.token_hex(8)}"
        self.good[token] = (account, scope)
        return token

    def _given(self, account: str, scope: str) -> Answer:
        return 200, {
            "access_token": self._token(account, scope), "expires_in": self.lasts, "token_type": "Bearer",
        }  # fmt: skip

    def _by_assertion(self, form: str, address: str) -> Answer:
        given = {name: values[0] for name, values in parse_qs(form).items()}
        try:
            claims = jwt.decode(given["assertion"], RSAKey.import_key(PRIVATE_KEY), algorithms=["RS256"]).claims
        except (JoseError, ValueError, KeyError):
            return 400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        if claims.get("iss") != ACCOUNT or claims.get("aud") not in (AUDIENCE, address):
            return 400, {"error": "invalid_grant"}
        return self._given(ACCOUNT, str(claims["scope"]))

    def _of_machine(self, bare: str, path: str, headers: Any) -> Answer:
        if headers.get("metadata-flavor") != "Google":
            return 403, {}
        if bare.endswith("/token"):
            scopes = parse_qs(path.partition("?")[2]).get("scopes", [f"{STORAGE_SCOPE},{IAM_SCOPE}"])[0]
            return self._given(MACHINE, scopes.replace(",", " "))
        if "service-accounts/" in bare:
            return 200, {"email": MACHINE, "scopes": [STORAGE_SCOPE], "aliases": ["default"]}
        return 200, {}
