"""What of a token is looked at before its signature is, and which keys count."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from mailroom.access.oidc.errors import Fault, TokenRefused
from mailroom.access.oidc.keys import KeySet
from mailroom.access.oidc.verify import Expected, header_of, verified

PINNED = ("RS256", "ES256")
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
CLAIMS = {"iss": "https://id.example", "aud": "us", "sub": "ada"}


def _jwk(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, **more: Any) -> dict[str, Any]:
    kind = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**json.loads(kind.to_jwk(key.public_key())), **more}  # type: ignore[arg-type]  # each takes its own kind


def _token(**header: Any) -> str:
    now = int(time.time())
    return jwt.encode({**CLAIMS, "iat": now, "exp": now + 60, "nonce": "n1"}, RSA, "RS256", headers=header)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "PS256", "rs256", "RS512"])
def test_security_31_only_pinned_algorithms(algorithm: str) -> None:
    header = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "kid": "a"}).encode()).decode().rstrip("=")
    with pytest.raises(TokenRefused) as refused:
        header_of(f"{header}.{_token().partition('.')[2]}", PINNED)
    assert refused.value.fault is Fault.ALGORITHM


@pytest.mark.parametrize("header", [{"crit": ["x"], "x": 1}, {"crit": []}])
def test_security_31_what_is_critical_and_unknown_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused) as refused:
        header_of(_token(**header), PINNED)
    assert refused.value.fault is Fault.MALFORMED


def test_security_31_a_key_is_for_its_algorithm() -> None:
    keys = KeySet({"keys": [_jwk(RSA, kid="a", alg="RS512"), _jwk(RSA, kid="b"), _jwk(EC, kid="c", alg="ES256")]})
    assert keys.key("b", "RS256").algorithm_name == "RS256"
    for kid, algorithm in (("a", "RS256"), ("b", "ES256"), ("c", "RS256"), ("b", "HS256"), ("c", "ES384")):
        with pytest.raises(TokenRefused) as refused:
            keys.key(kid, algorithm)
        assert refused.value.fault is Fault.ALGORITHM, (kid, algorithm)


def test_security_31_shared_secrets_and_keys_for_encryption_do_not_count() -> None:
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "s"}
    keys = KeySet({"keys": [secret, _jwk(RSA, kid="e", use="enc"), "no key", None, {"kid": "n"}]})
    assert [kid for kid in ("s", "e", "n", None) if kid in keys] == []
    assert KeySet({"keys": "none"}).__contains__(None) is False


def test_without_an_id_there_must_be_one_key() -> None:
    assert KeySet({"keys": [_jwk(RSA, kid="a")]}).key(None, "RS256").algorithm_name == "RS256"
    with pytest.raises(TokenRefused):
        KeySet({"keys": [_jwk(RSA, kid="a"), _jwk(RSA, kid="b")]}).key(None, "RS256")


def test_security_31_the_nonce_is_that_of_the_log_in() -> None:
    key = KeySet({"keys": [_jwk(RSA, kid="a")]}).key("a", "RS256")
    expected = Expected("https://id.example", "us", PINNED, 0, "n1")
    assert verified(_token(kid="a"), key, "RS256", expected)["sub"] == "ada"
    with pytest.raises(TokenRefused) as refused:
        verified(_token(kid="a"), key, "RS256", Expected("https://id.example", "us", PINNED, 0, "n2"))
    assert refused.value.fault is Fault.NONCE
