"""The fields of a form, made from a JSON Schema, and what the form sends back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic import BaseModel, Field

from api.web.fields.build import FieldGroup, build
from api.web.fields.read import data
from api.web.parts import Field as Drawn
from mailroom.connections.kinds import block_types
from mailroom.connections.spec import build as block_of
from prefect_mailroom.channels.registry import CHANNELS, destination

HOSTILE = '"><script>alert(1)</script>\u202eevil {{7*7}} \N{GRINNING FACE}'
SECRET = {"secret": True}
SETTINGS: dict[str, dict[str, Any]] = {
    "azure": {"account": "contoso", "container": "in", "identity": "key", "account_key": "a2V5"},
    "command": {"program": "/bin/true", "arguments": ["{files}", "--to=x y"], "environment": {"KEY": "a=b"}},
    "email": {
        "credentials": {"smtp_server": "mail.example.org", "smtp_type": 25, "username": "u", "password": "p w"},
        "from_address": "reports@example.org",
        "max_per_second": 0.5,
        "retries": {"delays": [5, 60], "then_every": None},
        "second_server": {
            "host": "two.example.org",
            "oauth": {"provider": "microsoft", "tenant": "t", "client_id": "c", "client_secret": "s"},
        },
        "allow_plain": True,
    },
    "folder": {"root": "/srv/reports"},
    "ftp": {"host": "ftp.example.org", "username": "u", "security": "implicit", "timeout_seconds": 12.5},
    "gcs": {"bucket": "in-box", "identity": "impersonate", "service_account": "a@b.iam.gserviceaccount.com"},
    "s3": {
        "bucket": "in-box",
        "identity": "role",
        "role_arn": "arn:aws:iam::123456789012:role/reports",
        "access_key_id": "AKIA",
        "secret_access_key": "s",
        "encryption": "kms",
        "kms_key": "alias/reports",
    },
    "sftp": {"host": "sftp.example.org", "username": "u", "private_key": "line 1\nline 2"},
    "webhook": {
        "url": "https://example.org/hook",
        "signing_secret": "whsec_" + "QUJD" * 11,
        "auth": "bearer",
        "auth_secret": "t",
    },
    "sql": {"url": "sqlite:///x.db"},
    "http": {"base_url": "https://bi.example.com", "max_bytes": 12, "auth_secret": "s"},
    "shell": {"working_directory": "/tmp", "allowed_programs": ["ls", "cat"], "environment": {"A": "1"}},
}


def _all(group: FieldGroup) -> Iterator[Drawn]:
    yield from group.fields
    for inner in group.groups:
        yield from _all(inner)


def _field(group: FieldGroup, name: str) -> Drawn:
    return next(one for one in _all(group) if one.name == name)


def _sent(group: FieldGroup, typed: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what a browser sends of a form, nested, with line breaks as browsers write them."""
    found: dict[str, Any] = {}
    for one in _all(group):
        value = (typed or {}).get(one.name, one.value)
        if one.control == "checkbox" and value != "on":
            continue
        inner = found
        *parents, name = one.name.split("-")[1:]
        for part in parents:
            inner = inner.setdefault(part, {})
        inner[name] = str(value).replace("\n", "\r\n")
    return found


@pytest.mark.parametrize("kind", sorted(SETTINGS))
def test_a_form_of_every_kind_of_connection_sends_back_what_it_was_given(kind: str) -> None:
    schema = block_types()[kind].model_json_schema()
    given = SETTINGS[kind]

    shown = build(schema, given, prefix="s")
    secrets = {one.name: _typed_secret(given, one.name) for one in _all(shown) if _is_secret(schema, one.name)}
    read = data(schema, _sent(shown, secrets))

    assert block_of(kind, read).model_dump() == block_of(kind, given).model_dump()


def _is_secret(schema: Mapping[str, Any], name: str) -> bool:
    place = ".".join(name.split("-")[1:])
    return any(secret.removesuffix(".*") == place for secret in schema["secret_fields"])


def _typed_secret(given: Any, name: str) -> str:
    for part in name.split("-")[1:]:
        given = given.get(part, "") if isinstance(given, Mapping) else ""
    return "\n".join(f"{key}={value}" for key, value in given.items()) if isinstance(given, Mapping) else str(given)


@pytest.mark.parametrize("kind", sorted(CHANNELS))
def test_a_form_of_every_destination_sends_back_what_it_was_given(kind: str) -> None:
    schema = CHANNELS[kind].destination_type.model_json_schema()
    own = {"to": ["ada@example.org", "bo@example.org"], "text": "a\nb"} if kind == "email" else {}
    given = {"channel": kind, "connection": "there", **own}
    skip = frozenset({"channel", "connection"})

    read = data(schema, _sent(build(schema, given, prefix="d", skip=skip)), skip=skip)

    assert destination({**read, "channel": kind, "connection": "there"}) == destination(given)


def test_a_secret_is_never_shown_and_stays_when_it_is_left_empty() -> None:
    schema = block_types()["email"].model_json_schema()
    stored = {**SETTINGS["email"], "credentials": {"smtp_server": "h", "smtp_type": 25, "password": SECRET}}

    group = build(schema, stored, prefix="s", secrets_set="3 May 2026")
    password = _field(group, "s-credentials-password")
    kept = data(schema, _sent(group), stored=stored)
    changed = data(schema, _sent(group, {"s-credentials-password": "new"}), stored=stored)

    assert (password.control, password.value) == ("password", "")
    assert "3 May 2026" in password.hint
    assert kept["credentials"]["password"] == SECRET
    assert changed["credentials"]["password"] == "new"


def test_secret_variables_stay_together() -> None:
    schema = block_types()["shell"].model_json_schema()
    stored = {"working_directory": "/tmp", "allowed_programs": ["ls"], "environment": {"A": SECRET, "B": SECRET}}

    group = build(schema, stored, prefix="s")

    assert _field(group, "s-environment").value == ""
    assert "A, B" in _field(group, "s-environment").hint
    assert data(schema, _sent(group), stored=stored)["environment"] == stored["environment"]
    replaced = data(schema, _sent(group, {"s-environment": "C=1=2\n"}), stored=stored)
    assert replaced["environment"] == {"C": "1=2"}
    assert data(schema, _sent(group, {"s-environment": "no variable"}), stored=stored)["environment"] == "no variable"


class Sample(BaseModel):
    count: int = Field(ge=1, le=1000)
    share: float | None = Field(default=None, gt=0)
    is_on: bool = True
    word: str = ""
    note: str | None = None
    level: int = Field(default=2, json_schema_extra={"enum": [1, 2, 3]})
    many: str = Field(default="a", json_schema_extra={"enum": list("abcdefgh")})
    tags: list[str] = Field(default_factory=list)


SAMPLE = Sample.model_json_schema()


def test_a_value_that_does_not_fit_stays_as_it_was_typed() -> None:
    read = data(SAMPLE, {"count": "a few", "share": "0,5", "word": HOSTILE, "level": "9"})

    assert (read["count"], read["share"], read["word"], read["level"]) == ("a few", "0,5", HOSTILE, "9")
    group = build(SAMPLE, read, prefix="s", errors={"s-count": ("Enter a number.",)})
    assert (_field(group, "s-count").value, _field(group, "s-count").errors) == ("a few", ("Enter a number.",))
    assert (_field(group, "s-share").value, _field(group, "s-word").value) == ("0,5", HOSTILE)


def test_a_number_says_its_limits_and_few_choices_are_radios() -> None:
    group = build(SAMPLE, {}, prefix="s")

    assert _field(group, "s-count").hint == "1 to 1,000."
    assert _field(group, "s-count").attributes["inputmode"] == "numeric"
    assert not _field(group, "s-count").optional
    assert _field(group, "s-share").optional
    assert [_field(group, f"s-{name}").control for name in ("level", "many", "is_on", "tags")] == [
        *("radios", "select", "checkbox", "textarea")
    ]
    assert (_field(group, "s-level").value, _field(group, "s-is_on").value) == ("2", "on")


def test_what_is_left_empty_has_its_default_or_is_null() -> None:
    read = data(SAMPLE, {"count": "", "share": " ", "word": "", "note": "", "level": "", "tags": "a\r\n\r\n b "})

    assert read == {"share": None, "is_on": False, "word": "", "note": None, "tags": ["a", "b"]}
    assert data(SAMPLE, {"count": "7", "share": "2", "is_on": "on", "level": "3"}) == {
        "count": 7,
        "share": 2,
        "is_on": True,
        "level": 3,
    }


def test_a_group_with_a_fault_is_open() -> None:
    schema = block_types()["email"].model_json_schema()

    shut = build(schema, {}, prefix="s")
    wrong = build(schema, {}, prefix="s", errors={"s-second_server-port": ("Too high.",)})

    def further(group: FieldGroup) -> FieldGroup:
        return next(one for one in group.groups if one.name == "s-further")

    assert not further(shut).is_open
    assert further(wrong).is_open
    assert {one.legend for one in further(shut).groups} >= {"Further tries", "Second mail server"}


def test_a_text_that_looks_like_a_number_comes_back_as_a_text() -> None:
    schema = CHANNELS["webhook"].destination_type.model_json_schema()
    for value in ("ok", "12", "true", 12, True, "null"):
        given = {"expect": {"status": ["200"], "pointer": "/status", "equals": value}}
        read = data(schema, _sent(build(schema, given, prefix="d")))
        assert read["expect"]["equals"] == value
        assert type(read["expect"]["equals"]) is type(value)


LOG_INS: dict[str, Any] = {
    "type": "object",
    "secret_fields": ["key"],
    "required": ["identity"],
    "properties": {
        "bucket": {"type": "string"},
        "identity": {"enum": ["machine", "role", "key"], "type": "string"},
        "role": {
            "type": "string",
            "default": "",
            "only_for": {"field": "identity", "values": ["role"]},
        },
        "key": {
            "type": "string",
            "format": "password",
            "default": "",
            "only_for": {"field": "identity", "values": ["role", "key"]},
        },
    },
}


def test_a_field_says_for_which_choices_it_is_shown() -> None:
    group = build(LOG_INS, {"identity": "role"}, prefix="s")
    classes = {one.name: one.classes for one in _all(group)}
    assert classes == {"s-bucket": "", "s-identity": "decides", "s-role": "only for-2", "s-key": "only for-2 for-3"}


def test_only_what_matters_for_the_choice_counts() -> None:
    typed = {"bucket": "b", "identity": "key", "role": "arn", "key": ""}
    assert data(LOG_INS, typed, stored={"key": SECRET}) == {"bucket": "b", "identity": "key", "key": SECRET}
    assert data(LOG_INS, {**typed, "identity": "machine"}, stored={"key": SECRET}) == {
        "bucket": "b",
        "identity": "machine",
    }


PAIRS: dict[str, Any] = {"properties": {"labels": {"type": "object", "additionalProperties": {"type": "string"}}}}


def test_names_and_values_are_lines() -> None:
    (field,) = build(PAIRS, {"labels": {"team": "finance", "keep": "a=b"}}, prefix="s").fields
    assert (field.control, field.value) == ("textarea", "team=finance\nkeep=a=b")
    assert data(PAIRS, {"labels": "team=finance\r\n\r\n keep =a=b"}) == {"labels": {"team": "finance", "keep": "a=b"}}
    assert data(PAIRS, {"labels": ""}) == {"labels": {}}


def test_a_line_without_a_value_stays_as_it_was_typed() -> None:
    typed = "team=finance\nkeep"
    assert data(PAIRS, {"labels": typed}) == {"labels": typed}
    (field,) = build(PAIRS, {"labels": typed}, prefix="s").fields
    assert field.value == typed
