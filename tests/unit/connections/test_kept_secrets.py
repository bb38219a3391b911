"""A stored secret stays or goes when settings are sent again, by what else has changed.

SECURITY-TESTS 37: a secret is never led to another host by somebody who does not know it.
"""

from __future__ import annotations

import base64
import copy
from typing import Any

import pytest

from mailroom.connections import kept_secrets
from mailroom.connections.kinds import block_types
from mailroom.connections.service import with_kept_secrets
from mailroom.connections.spec import ConnectionSettings, build
from mailroom.errors import Invalid

KEPT = {"secret": True}
CANARY = "canary-d81f-stored"
SIGNING = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ...").decode()
OTHER_SIGNING = "whsec_" + base64.b64encode(b"another one of thirty-two bytes.").decode()

EMAIL: dict[str, Any] = {
    "credentials": {
        "smtp_server": "smtp.example.com",
        "smtp_port": 587,
        "smtp_type": "STARTTLS",
        "username": "reports",
        "password": CANARY,
    },
    "from_address": "reports@example.com",
}
WEBHOOK: dict[str, Any] = {
    "url": "https://hooks.example.com/a",
    "signing_secret": SIGNING,
    "auth": "bearer",
    "auth_secret": CANARY,
}
HTTP: dict[str, Any] = {"base_url": "https://bi.example.com", "auth": "bearer", "auth_secret": CANARY}
SQL: dict[str, Any] = {"url": f"postgresql://reader:{CANARY}@db.example.com/shop"}
SHELL: dict[str, Any] = {
    "working_directory": "/srv",
    "allowed_programs": ["dbt"],
    "environment": {"TOKEN": CANARY, "HOME": "/x"},
}
COMMAND: dict[str, Any] = {"program": "/usr/local/bin/hand-over", "environment": {"TOKEN": CANARY}}
SFTP: dict[str, Any] = {
    "host": "sftp.example.com",
    "username": "reports",
    "password": CANARY,
    "private_key": CANARY,
    "passphrase": CANARY,
    "host_key": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
}
FTP: dict[str, Any] = {"host": "ftp.example.com", "username": "reports", "password": CANARY}
OAUTH: dict[str, Any] = {
    **EMAIL,
    "oauth": {"provider": "microsoft", "tenant": "example.com", "client_id": "1", "client_secret": CANARY},
    "second_server": {"host": "smtp2.example.com", "username": "reports", "password": CANARY},
}
STORED = {
    "email": EMAIL,
    "webhook": WEBHOOK,
    "http": HTTP,
    "sql": SQL,
    "shell": SHELL,
    "command": COMMAND,
    "sftp": SFTP,
    "ftp": FTP,
    "oauth": OAUTH,
}


def kind_of(name: str) -> str:
    """Return the kind of stored settings; two of them are e-mail."""
    return "email" if name == "oauth" else name


def changed(kind: str, **changes: Any) -> dict[str, Any]:
    """Return the settings of a kind as they are shown, with these changes by dotted name."""
    settings = copy.deepcopy(STORED[kind])
    for place in kept_secrets.secrets_of(build(kind_of(kind), settings)):
        put(settings, ".".join(map(str, place)), dict(KEPT))
    for name, value in changes.items():
        put(settings, name.replace("__", "."), value)
    return settings


def put(settings: dict[str, Any], name: str, value: Any) -> None:
    *inner, last = name.split(".")
    for part in inner:
        settings = settings.setdefault(part, {})
    settings[last] = value


def sent(kind: str, settings: dict[str, Any]) -> dict[Any, Any]:
    """Return the secrets that the connection has after this change."""
    old = build(kind_of(kind), STORED[kind])
    return kept_secrets.secrets_of(with_kept_secrets(ConnectionSettings(kind=kind_of(kind), settings=settings), old)[0])


def refused(kind: str, settings: dict[str, Any]) -> list[str]:
    """Return the fields that refuse this change."""
    with pytest.raises(Invalid) as caught:
        sent(kind, settings)
    assert CANARY not in str([str(fault) for fault in caught.value.faults])
    assert all(fault.remedy for fault in caught.value.faults)
    return [fault.field for fault in caught.value.faults]


@pytest.mark.parametrize("kind", sorted(STORED))
def test_security_37_what_is_shown_can_be_sent_back(kind: str) -> None:
    assert sent(kind, changed(kind)) == kept_secrets.secrets_of(build(kind_of(kind), STORED[kind]))


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (
            "email",
            {"from_name": "Reports", "timeout_seconds": 5, "retries": {"delays": [60]}, "reply_to": "a@b.example"},
        ),
        ("webhook", {"timeout_seconds": 5}),
        ("webhook", {"signing_secret": OTHER_SIGNING, "previous_signing_secret": SIGNING}),
        ("webhook", {"auth_secret": "another"}),
        ("http", {"timeout_seconds": 5, "max_bytes": 10}),
        ("sql", {"statement_timeout": 5}),
        ("sftp", {"password": "another", "folder": "in", "max_sessions": 1}),
        ("command", {"max_file_mb": 5, "max_per_second": 2}),
    ],
)
def test_a_harmless_change_keeps_the_secrets(kind: str, changes: dict[str, Any]) -> None:
    before = kept_secrets.secrets_of(build(kind_of(kind), STORED[kind]))
    after = sent(kind, changed(kind, **changes))
    assert {place: after[place] for place in before if place[0] not in changes} == {
        place: value for place, value in before.items() if place[0] not in changes
    }


@pytest.mark.parametrize(
    ("kind", "changes", "fields"),
    [
        ("email", {"credentials__smtp_server": "evil.example.com"}, ["settings.credentials.password"]),
        ("email", {"credentials__smtp_port": 2525}, ["settings.credentials.password"]),
        ("email", {"credentials__username": "eve"}, ["settings.credentials.password"]),
        (
            "email",
            {"credentials__smtp_type": "INSECURE", "allow_plain": True},
            ["settings.credentials.password"],
        ),
        ("email", {"credentials__verify": False, "allow_plain": True}, ["settings.credentials.password"]),
        ("email", {"ca_certificates": "-----BEGIN CERTIFICATE-----"}, ["settings.credentials.password"]),
        ("webhook", {"url": "https://evil.example.com/"}, ["settings.signing_secret", "settings.auth_secret"]),
        ("webhook", {"url": "https://evil.example.com/", "auth_secret": "new"}, ["settings.signing_secret"]),
        ("webhook", {"auth": "header"}, ["settings.url", "settings.signing_secret", "settings.auth_secret"]),
        ("http", {"base_url": "https://evil.example.com"}, ["settings.auth_secret"]),
        ("http", {"base_url": "https://bi.example.com:8443"}, ["settings.auth_secret"]),
        ("http", {"auth_header": "X-Other", "auth": "header"}, ["settings.auth_secret"]),
        ("shell", {"allowed_programs": ["dbt", "curl"]}, ["settings.environment.TOKEN", "settings.environment.HOME"]),
        ("shell", {"environment__LD_PRELOAD": "/x.so"}, ["settings.environment.TOKEN", "settings.environment.HOME"]),
        ("command", {"program": "/usr/bin/curl"}, ["settings.environment.TOKEN"]),
        ("command", {"arguments": ["-d", "{files}"]}, ["settings.environment.TOKEN"]),
        ("sftp", {"host": "evil.example.com"}, ["settings.password", "settings.private_key", "settings.passphrase"]),
        ("sftp", {"host_key": "", "password": "new"}, ["settings.private_key", "settings.passphrase"]),
        ("ftp", {"security": "none"}, ["settings.password"]),
        (
            "oauth",
            {"second_server__host": "evil.example.com"},
            ["settings.credentials.password", "settings.oauth.client_secret", "settings.second_server.password"],
        ),
    ],
)
def test_security_37_what_may_lead_a_secret_elsewhere_asks_for_it_again(
    kind: str, changes: dict[str, Any], fields: list[str]
) -> None:
    assert refused(kind, changed(kind, **changes)) == fields


def test_a_mapping_that_is_one_secret_can_stay_as_a_whole() -> None:
    assert sent("shell", {**STORED["shell"], "environment": KEPT}) == kept_secrets.secrets_of(build("shell", SHELL))


def test_a_default_that_is_written_out_is_no_change() -> None:
    assert sent("email", changed("email", credentials__verify=True, reply_to=""))


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (changed("http", auth_user=KEPT), "settings.auth_user"),
        (changed("http", nothing={"deep": [KEPT]}), "settings.nothing.deep.0"),
        (changed("shell", environment__OTHER=KEPT), "settings.environment.OTHER"),
    ],
)
def test_what_is_no_stored_secret_cannot_be_kept(settings: dict[str, Any], field: str) -> None:
    kind = "http" if "base_url" in settings else "shell"
    assert refused(kind, settings) == [field]


def test_a_new_connection_and_one_whose_block_is_lost_have_nothing_to_keep() -> None:
    with pytest.raises(Invalid) as caught:
        build("http", changed("http"))
    assert [fault.field for fault in caught.value.faults] == ["settings.auth_secret"]
    with pytest.raises(Invalid):
        with_kept_secrets(ConnectionSettings(kind="http", settings=changed("http")), None)


def test_a_setting_that_is_left_out_is_not_kept() -> None:
    settings = changed("http", auth="none")
    del settings["auth_secret"]
    assert sent("http", settings) == {}


def test_what_was_sent_is_not_changed() -> None:
    settings = changed("email")
    before = copy.deepcopy(settings)
    sent("email", settings)
    assert settings == before


def test_every_harmless_field_exists_and_no_address_is_one() -> None:
    for kind, block in block_types().items():
        harmless = {one for part in block.__mro__ for one in vars(part).get("harmless_fields", ())}
        assert harmless <= set(block.model_fields), kind
        assert not harmless & {"url", "base_url", "host", "port", "credentials", "auth", "token_url", "environment"}


def test_an_empty_secret_is_not_marked_as_set() -> None:
    block = build("sftp", {"host": "h", "username": "u", "password": "x"})
    shown = {"host": "h", "password": {"secret": True}, "private_key": {"secret": True}}
    assert kept_secrets.only_set(shown, block) == {"host": "h", "password": {"secret": True}, "private_key": ""}
    assert shown["private_key"] == {"secret": True}, "what was given is left alone"
