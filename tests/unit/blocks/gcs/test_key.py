"""The key of a service account: what is used of it, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from prefect_mailroom.channels.gcs.bucket import HOSTS_VARIABLE
from prefect_mailroom.channels.gcs.key import parse

GOOD = {
    "type": "service_account",
    "project_id": "sales",
    "private_key_id": "k1",
    "private_key": "canary-private-key",
    "client_email": "mailroom@sales.iam.gserviceaccount.com",
    "token_uri": "https://oauth2.googleapis.com/token",
}


def key_with(**changes: Any) -> str:
    return json.dumps({name: value for name, value in {**GOOD, **changes}.items() if value is not None})


def test_nothing_but_what_is_needed_is_used() -> None:
    found = parse(key_with(auth_provider_x509_cert_url="https://evil.example", quota_project_id="other"))
    assert (found.service_account, found.project) == (GOOD["client_email"], "sales")
    assert set(found.info) == {"type", "client_email", "private_key", "private_key_id", "token_uri"}


def test_googles_own_address_stands_in_for_none() -> None:
    assert parse(key_with(token_uri=None)).info["token_uri"] == GOOD["token_uri"]


@pytest.mark.parametrize(
    "address",
    ["https://accounts.google.com/o/oauth2/token", "https://www.googleapis.com/oauth2/v4/token"],
)
def test_older_addresses_of_googles_are_fine(address: str) -> None:
    assert parse(key_with(token_uri=address)).info["token_uri"] == address


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/token",
        "https://oauth2.googleapis.com.evil.example/token",
        "https://evil.example#.googleapis.com/token",
        "https://evil.example?.googleapis.com",
        "https://oauth2.googleapis.com@evil.example/token",
        "https://evil.example\\.googleapis.com/token",
        "https://notgoogleapis.com/token",
        "http://oauth2.googleapis.com/token",
        "https://oauth2.googleapis.com:8443/token",
        "http://169.254.169.254/computeMetadata/v1/",
        "file:///etc/passwd",
        "oauth2.googleapis.com/token",
        "https://[::1",
        " https://oauth2.googleapis.com/token",
    ],
)
def test_security_what_a_key_signs_goes_to_google_alone(address: str) -> None:
    with pytest.raises(ValueError, match="token_uri") as caught:
        parse(key_with(token_uri=address))
    assert "canary" not in str(caught.value)


def test_the_operator_can_name_another_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOSTS_VARIABLE, "127.0.0.1, tokens.example.com")
    assert parse(key_with(token_uri="http://127.0.0.1:9/token"))
    assert parse(key_with(token_uri="https://tokens.example.com/token"))
    with pytest.raises(ValueError, match="token_uri"):
        parse(key_with(token_uri="https://sub.tokens.example.com/token"))


@pytest.mark.parametrize(
    "text",
    [
        "canary",
        '"canary"',
        "[]",
        key_with(type="external_account", credential_source={"url": "http://169.254.169.254/"}),
        key_with(type="authorized_user"),
        key_with(type=None),
        key_with(client_email=None),
        key_with(private_key=""),
        key_with(private_key=["canary"]),
        key_with(universe_domain="evil.example"),
    ],
)
def test_other_credentials_are_refused(text: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # Each has words of its own.
        parse(text)
    assert "canary" not in f"{caught.value!r} {caught.value.__cause__!r}"
