"""Who a report is made for, signed: a source can check it, and nobody else can make it or use it elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from pydantic import SecretStr, ValidationError

from mailroom.access.identity import VALID_FOR, Identity, public_key, seen_as, sign
from mailroom.roles import Role
from mailroom.settings import CHECKOUT, Settings
from mailroom.storage.tables import User
from prefect_mailroom.errors import ConfigurationError

KEY, OTHER_KEY = SecretStr("ab" * 32), SecretStr("cd" * 32)
ADA = Identity("u-1", "ext-1", Role.CREATOR, team="t-1", team_external_id="sales", acted_by="u-9")
HOST, ISSUER = "bi.example.com", "https://mailroom.example.com"


def _token(*, key: SecretStr = KEY, audience: str = HOST, ago: timedelta = timedelta(), issuer: str = ISSUER) -> str:
    return sign(ADA, audience=audience, issuer=issuer, key=key, now=datetime.now(UTC) - ago)


@pytest.fixture(scope="module")
def identity_of() -> Callable[[str, str], dict[str, Any]]:
    """What docs/access.md tells a source to do."""
    (code,) = re.findall(r"^```python\n(.*?)^```", (CHECKOUT / "docs/access.md").read_text(), re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(code, names)  # The page's own words are what is tested.
    found: Callable[[str, str], dict[str, Any]] = names["identity_of"]
    return found


def test_the_source_learns_who_it_is(identity_of: Callable[[str, str], dict[str, Any]]) -> None:
    told = identity_of(_token(), public_key(KEY))
    assert told.pop("exp") - told.pop("iat") == VALID_FOR.total_seconds() <= 3600
    assert told == {
        "sub": "u-1",
        "external_id": "ext-1",
        "role": "creator",
        "team": "t-1",
        "team_external_id": "sales",
        "act": {"sub": "u-9"},
        "aud": HOST,
        "iss": ISSUER,
    }


def _unsigned() -> str:
    return jwt.encode(jwt.decode(_token(), options={"verify_signature": False}), "", algorithm="none")


@pytest.mark.parametrize(
    "token",
    [
        _token(key=OTHER_KEY),
        _token(audience="evil.example.com"),
        _token(issuer="https://evil.example.com"),
        _token(ago=VALID_FOR + timedelta(minutes=1)),
        _token()[:-4] + "AAAA",
        _unsigned(),
        jwt.encode({"sub": "u-1", "aud": HOST, "iss": ISSUER}, "x" * 32, algorithm="HS256"),
    ],
    ids=["key", "audience", "issuer", "expired", "changed", "alg=none", "HS256"],
)
def test_31_a_wrong_identity_is_refused(token: str, identity_of: Callable[[str, str], dict[str, Any]]) -> None:
    with pytest.raises(jwt.InvalidTokenError):
        identity_of(token, public_key(KEY))


def test_what_a_source_may_decide_by_tells_users_apart() -> None:
    user = {"id": "u-1", "external_id": "e", "role": Role.CREATOR, "team_id": "t"}
    changes: tuple[dict[str, Any], ...] = (
        {"id": "u-2"},
        {"external_id": None},
        {"role": Role.ADMIN},
        {"team_id": "t-2"},
    )
    seen = {seen_as(User(**{**user, **change})) for change in ({}, *changes)}
    assert len(seen) == 1 + len(changes)


def test_38_without_a_key_nothing_is_signed_and_a_wrong_key_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="MAILROOM_IDENTITY_KEY") as refused:
        _token(key=SecretStr(""))
    assert refused.value.field == "identity_key"
    for wrong in ("short", "g" * 64, "ab" * 31):
        with pytest.raises(ValidationError):
            Settings(identity_key=wrong)
