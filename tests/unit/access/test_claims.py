"""What is read from the claims of a token."""

from __future__ import annotations

from typing import Any

import pytest

from mailroom.access.oidc.claims import Told, told_by
from mailroom.access.oidc.errors import Fault, TokenRefused
from mailroom.roles import Role
from mailroom.settings import Settings

ROLES = {"makers": "creator", "chiefs": "admin", "readers": "viewer"}


def _told(claims: dict[str, Any], **settings: Any) -> Told:
    values = {"oidc_issuer": "https://id.example", "oidc_client_id": "us", "oidc_roles": ROLES} | settings
    base = {"iss": "https://id.example", "sub": "ada", "iat": 1_800_000_000}
    return told_by(base | claims, Settings.model_validate(values))


@pytest.mark.parametrize(
    ("claim", "role"),
    [
        (["makers"], Role.CREATOR),
        (["readers", "chiefs", "makers"], Role.ADMIN),
        ("makers", Role.CREATOR),
        ("openid readers", Role.VIEWER),
        (["Makers", "makers2", "admin", 7, None], None),
        ({"makers": True}, None),
        ([], None),
        (None, None),
    ],
)
def test_the_widest_role_that_is_named_counts(claim: Any, role: Role | None) -> None:
    assert _told({"roles": claim}).role is role


def test_without_a_role_there_is_the_default() -> None:
    assert _told({"roles": ["unknown"]}, oidc_default_role="viewer").role is Role.VIEWER


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["makers"]}}),
        ("https://example.com/roles", {"https://example.com/roles": ["makers"]}),
        ("groups", {"groups": "makers"}),
    ],
)
def test_a_claim_is_found_by_its_name_or_its_path(name: str, claims: dict[str, Any]) -> None:
    assert _told(claims, oidc_role_claim=name).role is Role.CREATOR


@pytest.mark.parametrize(
    ("team", "found"), [("sales", "sales"), (["sales", "other"], "sales"), (["a b", "ok"], "ok"), ("", None), (7, None)]
)
def test_the_team_is_an_external_id(team: Any, found: str | None) -> None:
    assert _told({"team": team}, oidc_team_claim="team").team == found


def test_teams_are_left_alone_where_no_claim_is_named() -> None:
    assert _told({"team": "sales"}).team is None


@pytest.mark.parametrize(
    "email", ["ada", "a@b@c", "ada @example.com", "ada@example.com\r\nBcc: eve@example.com", 7, None]
)
def test_what_is_no_address_is_none(email: Any) -> None:
    assert _told({"email": email, "email_verified": True}).email is None


def test_verified_means_true_and_not_a_word() -> None:
    assert _told({"email_verified": True}).email_verified
    assert not _told({"email_verified": "true"}).email_verified
    assert not _told({}).email_verified


def test_a_name_is_one_line() -> None:
    assert _told({"name": "Ada\r\nLovelace\x1b[31m"}).name == "AdaLovelace[31m"
    assert _told({"name": "\n", "email": "ada@example.com"}).name == "ada@example.com"


@pytest.mark.parametrize("claims", [{"sub": "a\0b"}, {"sub": None}, {"sub": "x" * 256}, {"sub": ["ada"]}])
def test_security_31_a_subject_that_cannot_be_compared_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused) as refused:
        _told(claims)
    assert refused.value.fault is Fault.SUBJECT


@pytest.mark.parametrize("issued", ["soon", None, 1e300, [], float("nan")])
def test_a_time_that_is_none_is_refused(issued: Any) -> None:
    with pytest.raises(TokenRefused) as refused:
        _told({"iat": issued})
    assert refused.value.fault is Fault.CLAIMS
