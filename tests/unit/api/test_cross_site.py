"""How it is told which site made a browser send a request."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from api.http.browser.connection import host_of, may_log_in
from api.http.browser.csrf import is_media, is_ours, is_token, masked, token_of, unmasked
from mailroom.settings import Settings

OURS = {"https://mailroom.example"}


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-site", "origin": "https://mailroom.example"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": ""}, False),
        ({"origin": "https://mailroom.example"}, True),
        ({"origin": "https://mailroom.example.evil.example"}, False),
        ({"origin": "http://mailroom.example"}, False),
        ({"origin": "null"}, False),
        ({"referer": "https://mailroom.example/"}, False),
        ({}, False),
    ],
)
def test_security_32_only_a_page_of_ours_is_ours(headers: dict[str, str], ours: bool) -> None:
    assert is_ours(Headers(headers), OURS) is ours


@pytest.mark.parametrize(
    ("media", "taken"),
    [
        ("application/json", True),
        ("application/merge-patch+json", True),
        ("application/x-www-form-urlencoded", True),
        ("text/plain", False),
        ("text/json", False),
        ("multipart/form-data", False),
        ("", False),
    ],
)
def test_security_32_what_other_sites_can_send_without_asking_is_not_taken(media: str, taken: bool) -> None:
    assert is_media(media) is taken


def test_a_token_belongs_to_its_secret() -> None:
    assert token_of("a") == token_of("a") != token_of("b")


@pytest.mark.parametrize(
    ("scheme", "host", "address", "public", "may"),
    [
        ("https", "mailroom.example", "203.0.113.7", "", True),
        ("http", "mailroom.example", "203.0.113.7", "https://mailroom.example", True),
        ("http", "mailroom.example", "127.0.0.1", "http://mailroom.example", False),
        ("http", "127.0.0.1:8080", "127.0.0.1", "", True),
        ("http", "127.8.8.8", "127.0.0.1", "", True),
        ("http", "[::1]:8080", "::1", "", True),
        ("http", "LOCALHOST:8080", "127.0.0.1", "", True),
        ("http", "localhost.evil.example", "127.0.0.1", "", False),
        ("http", "127.0.0.1.evil.example", "127.0.0.1", "", False),
        ("http", "127.0.0.1", "203.0.113.7", "", False),
        ("http", "", "127.0.0.1", "", False),
    ],
)
def test_a_password_goes_by_https_or_stays_on_this_machine(
    scheme: str, host: str, address: str, public: str, may: bool
) -> None:
    scope = {"type": "http", "scheme": scheme, "headers": [(b"host", host.encode())], "client": (address, 1)}
    assert may_log_in(scope, Settings(public_address=public)) is may
    assert ":" not in host_of(scope) or host.startswith("[")


def test_a_token_is_another_text_on_each_page_and_stays_the_token() -> None:
    token = token_of("a")
    seen = {masked(token) for _ in range(20)}
    assert len(seen) == 20
    assert all(unmasked(one) == token and is_token(one, "a") and not is_token(one, "b") for one in seen)
    assert is_token(token, "a")
    assert not any(is_token(one, "a") for one in ("", "zz", token[:-2], token + "00", masked(token)[:-1]))
