"""One login for every connection over HTTP, whatever its kinds were called before."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from pydantic import ValidationError

from prefect_mailroom.channels.webhook.channel import WebhookChannel
from prefect_mailroom.http_login import HttpLogin
from prefect_mailroom.sources.http import HttpSource

SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()
BLOCKS: list[tuple[type[HttpLogin], dict[str, Any]]] = [
    (WebhookChannel, {"url": "https://hooks.example.com", "signing_secret": SECRET}),
    (HttpSource, {"base_url": "https://bi.example.com"}),
]


@pytest.mark.parametrize(("block", "settings"), BLOCKS)
@pytest.mark.parametrize(
    ("login", "headers"),
    [
        ({"auth": "none"}, {}),
        ({"auth": "bearer", "auth_secret": "t"}, {"Authorization": "Bearer t"}),
        ({"auth": "basic", "auth_user": "ada", "auth_secret": "ü"}, {"Authorization": "Basic YWRhOsO8"}),
        ({"auth": "api_key", "auth_secret": "k"}, {"X-API-Key": "k"}),
        ({"auth": "header", "auth_secret": "k", "auth_header": "X-Key"}, {"X-Key": "k"}),
    ],
)
def test_every_block_takes_every_kind(
    block: type[HttpLogin], settings: dict[str, Any], login: dict[str, Any], headers: dict[str, str]
) -> None:
    made = block(**settings, **login)
    assert made.login_headers() == headers


@pytest.mark.parametrize(("block", "settings"), BLOCKS)
def test_a_login_is_complete_and_never_repeated(block: type[HttpLogin], settings: dict[str, Any]) -> None:
    for login in ({"auth": "bearer"}, {"auth": "bearer", "auth_secret": "canary\r\nX: y"}):
        with pytest.raises(ValidationError, match="auth_secret") as caught:
            block(**settings, **login)
        assert "canary" not in str(caught.value)
