"""The settings of servers and of logins by tokens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from prefect_email import EmailServerCredentials
from pydantic import ValidationError

from prefect_mailroom.channels.email.channel import EmailChannel
from prefect_mailroom.channels.email.oauth.grants import form_of
from prefect_mailroom.channels.email.oauth.settings import OAuth
from prefect_mailroom.channels.email.smtp.server import Security

MICROSOFT = {"provider": "microsoft", "tenant": "contoso", "client_id": "app", "client_secret": "canary"}
REFRESH = {"provider": "refresh_token", "token_url": "https://x.example/token", "client_id": "app"}


def channel(**settings: Any) -> EmailChannel:
    credentials = EmailServerCredentials(smtp_server="smtp.example.com", smtp_type="STARTTLS")
    return EmailChannel(credentials=credentials, from_address="reports@example.com", **settings)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (MICROSOFT | {"tenant": ""}, "tenant"),
        (MICROSOFT | {"tenant": "a/b"}, "tenant"),
        (MICROSOFT | {"client_secret": None}, "client_secret"),
        (MICROSOFT | {"client_secret": ""}, "client_secret"),
        (MICROSOFT | {"authority": "login.example.com"}, "authority"),
        (MICROSOFT | {"authority": "ftp://login.example.com"}, "authority"),
        (MICROSOFT | {"authority": "https://user:canary@login.example.com"}, "authority"),
        (MICROSOFT | {"password": "canary"}, "password"),
        (REFRESH, "refresh_token"),
        (REFRESH | {"refresh_token": "canary", "token_url": "https://"}, "token_url"),
        ({"provider": "google", "subject": "a@example.com"}, "service_account_key"),
        ({"provider": "google", "subject": "a@example.com", "service_account_key": "canary"}, "service_account_key"),
        (
            {"provider": "google", "subject": "a@example.com", "service_account_key": '["canary"]'},
            "service_account_key",
        ),
        ({"provider": "yahoo"}, "provider"),
    ],
)
def test_a_login_that_is_not_whole_is_refused_without_its_secrets(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError) as caught:
        OAuth.model_validate(settings)
    assert named in str(caught.value)
    assert "canary" not in str(caught.value)


def test_where_tokens_come_from() -> None:
    microsoft = OAuth.model_validate(MICROSOFT)
    assert microsoft.token_endpoint == "https://login.microsoftonline.com/contoso/oauth2/v2.0/token"
    national = OAuth.model_validate(MICROSOFT | {"authority": "https://login.partner.microsoftonline.cn/"})
    assert national.token_endpoint == "https://login.partner.microsoftonline.cn/contoso/oauth2/v2.0/token"
    key = json.dumps({"client_email": "a@b.example", "private_key": "x"})
    google = OAuth.model_validate({"provider": "google", "subject": "a@example.com", "service_account_key": key})
    assert google.token_endpoint == "https://oauth2.googleapis.com/token"


def test_a_scope_of_ones_own() -> None:
    form = form_of(OAuth.model_validate(MICROSOFT | {"scope": "https://outlook.office.com/.default"}), now=0)
    assert form["scope"] == "https://outlook.office.com/.default"
    assert "scope" not in form_of(OAuth.model_validate(REFRESH | {"refresh_token": "x"}), now=0)


def test_servers_in_order() -> None:
    made = channel(
        oauth=MICROSOFT,
        second_server={"host": "smtp-2.example.com", "username": "u", "password": "p"},
        third_server={"host": "bücher.example", "security": "tls", "oauth": MICROSOFT},
    )
    first, second, third = made._servers()
    assert (first.name, first.username, first.oauth) == ("smtp.example.com:587", "reports@example.com", made.oauth)
    assert (second.name, second.security, second.oauth) == ("smtp-2.example.com:587", Security.STARTTLS, None)
    assert (third.name, third.security) == ("xn--bcher-kva.example:465", Security.TLS)
    assert third.setting == "third_server"
    # Sessions are kept by the whole description: any other setting is another server.
    assert channel()._servers()[0] == channel()._servers()[0]
    changed: list[dict[str, Any]] = [
        {"oauth": MICROSOFT},
        {"oauth": MICROSOFT | {"client_secret": "new"}},
        {"ca_certificates": "x"},
    ]
    assert len({channel(**settings)._servers()[0] for settings in [{}, *changed]}) == 4


def test_a_further_server_is_not_used_in_the_clear_unless_that_is_said() -> None:
    plain = {"host": "smtp-2.example.com", "security": "none"}
    with pytest.raises(ValidationError, match="allow_plain"):
        channel(second_server=plain)
    with pytest.raises(ValidationError, match="allow_plain"):
        channel(second_server={"host": "a.example"}, third_server=plain)
    channel(second_server=plain, allow_plain=True)


def test_prefect_hides_every_secret_of_the_block() -> None:
    """Prefect hides what `secret_fields` names by a path through objects; of what is in a list, it hides nothing."""
    secrets = EmailChannel.model_json_schema()["secret_fields"]
    for place in ("oauth.", "second_server.", "second_server.oauth.", "third_server.", "third_server.oauth."):
        names = ("client_secret", "service_account_key", "refresh_token") if "oauth" in place else ("password",)
        assert {place + name for name in names} <= set(secrets)
    data = channel(oauth=MICROSOFT, second_server={"host": "a.example", "oauth": MICROSOFT}).model_dump()
    for path in secrets:
        value: Any = data
        for part in path.split("."):
            assert not isinstance(value, list), path
            value = value.get(part) if isinstance(value, dict) else None
