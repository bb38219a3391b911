"""A destination may expect something of an answer, and only answers that meet it say yes."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from pydantic import ValidationError

from prefect_mailroom.channels.webhook.destination import WebhookDestination
from prefect_mailroom.channels.webhook.expectation import Expectation, at
from prefect_mailroom.channels.webhook.schema import MAX_BYTES
from prefect_mailroom.errors import Refused

DOCUMENT = {"a": [{"b": 1}, "x"], "c/d": 2, "e~f": 3, "": 4, "0": 5, "n": None}


def says_yes(answer: Any, **expected: Any) -> bool:
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    expectation = Expectation(**expected)
    try:
        expectation.refuse(content, "hooks.example.com")
    except Refused as error:
        told = str(error)
    else:
        return True
    assert "canary" not in told
    return False


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("", (True, DOCUMENT)),
        ("/a/0/b", (True, 1)),
        ("/c~1d", (True, 2)),
        ("/e~0f", (True, 3)),
        ("/", (True, 4)),
        ("/0", (True, 5)),
        ("/n", (True, None)),
        ("/a/1", (True, "x")),
        ("/a/01", (False, None)),
        ("/a/-", (False, None)),
        ("/a/2", (False, None)),
        ("/a/-1", (False, None)),
        ("/a/1/0", (False, None)),
        ("/missing", (False, None)),
    ],
)
def test_pointers_lead_as_rfc_6901_says(pointer: str, found: tuple[bool, Any]) -> None:
    assert at(DOCUMENT, pointer) == found


@pytest.mark.parametrize(
    ("answer", "equals", "yes"),
    [
        ({"status": "ok"}, "ok", True),
        ({"status": "canary"}, "ok", False),
        ({}, "ok", False),
        ({"status": True}, True, True),
        ({"status": 1}, True, False),
        ({"status": True}, 1, False),
        ({"status": 1.0}, 1, True),
        ({"status": None}, None, True),
        ({}, None, False),
        ([], "ok", False),
        (b"ok", "ok", False),
        (b"", "ok", False),
        (b'{"status": NaN}', "ok", False),
        (b"[" * 60_000, "ok", False),
        (b'{"status": ' + b"9" * 6000 + b"}", 9, False),
        (b"\xff", "ok", False),
    ],
)
def test_a_value_at_a_pointer(answer: Any, equals: Any, yes: bool) -> None:
    assert says_yes(answer, pointer="/status", equals=equals) is yes


def test_without_an_expectation_any_content_will_do() -> None:
    assert says_yes(b"<html>")


def test_a_schema_decides() -> None:
    schema = {
        "type": "object",
        "required": ["errors"],
        "properties": {"errors": {"maxItems": 0}, "job": {"type": "string", "pattern": "^j-"}},
    }
    assert says_yes({"errors": [], "job": "j-1"}, answer_schema=schema)
    assert not says_yes({"errors": ["canary"]}, answer_schema=schema)
    assert not says_yes({"errors": [], "job": "canary"}, answer_schema=schema)
    assert not says_yes({}, answer_schema=schema)


def test_security_13_a_pattern_takes_no_time() -> None:
    began = time.monotonic()
    assert not says_yes("a" * 50_000 + "!", answer_schema={"type": "string", "pattern": "^(a+)+$"})
    assert time.monotonic() - began < 60, "An engine that tries every way would take years."


BOMB: dict[str, Any] = {
    "$defs": {**{f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(99)}, "d99": {}}
}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/schema"},
        {"$ref": "file:///etc/passwd"},
        {"properties": {"a": {"prefixItems": [{"$ref": "#"}]}}},
        {"$dynamicRef": "#x"},
        {**BOMB, "$ref": "#/$defs/d0"},
        {"type": "canary"},
        {"pattern": "(?=look)"},
        {"pattern": "(a)\\1"},
        {"const": "x" * MAX_BYTES},
        {"const": float("nan")},
    ],
)
def test_security_01_schemas_that_fetch_or_run_long_are_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Expectation(answer_schema=schema)


@pytest.mark.parametrize("levels", [60, 600, 2000])
def test_security_35_a_schema_that_is_too_deep_is_refused(levels: int) -> None:
    deep: dict[str, Any] = {}
    for _ in range(levels):
        deep = {"not": deep}
    with pytest.raises(ValidationError):
        Expectation(answer_schema=deep)


@pytest.mark.parametrize("levels", [100, 900, 9000])
def test_security_35_an_answer_that_is_deep_does_no_harm(levels: int) -> None:
    says_yes(b"[" * levels + b"]" * levels, answer_schema={"items": {"type": "array"}})
    assert not says_yes(b"[" * levels + b"]" * levels, answer_schema={"type": "object"})


@pytest.mark.parametrize(
    ("written", "yes", "no"),
    [
        (["200-299"], [200, 204, 299], [199, 300, 409, 500]),
        (["200", "202-204"], [200, 202, 204], [201, 205]),
        (["200-299", "409"], [201, 409], [408, 410]),
    ],
)
def test_statuses(written: list[str], yes: list[int], no: list[int]) -> None:
    expected = Expectation(status=written)
    assert all(map(expected.takes, yes))
    assert not any(map(expected.takes, no))


WRONG = [
    "",
    "2xx",
    "200-",
    "204-200",
    "199-204",
    "200-300",
    "302",
    "400-499",
    "401",
    "403",
    "408",
    "410",
    "429",
    "500",
    "٢٠٠",
]


@pytest.mark.parametrize("written", [*WRONG, "٢٠٠", "200\n"])
def test_what_cannot_be_a_yes(written: str) -> None:
    with pytest.raises(ValidationError):
        Expectation(status=[written])


@pytest.mark.parametrize(
    "settings",
    [
        {"pointer": "/a"},
        {"equals": "a"},
        {"pointer": "a", "equals": "a"},
        {"pointer": "/a~2", "equals": "a"},
        {"pointer": "/a", "equals": {"b": 1}},
        {"status": []},
        {"id_header": "X Y"},
        {"id_pointer": "x"},
        {"unknown": 1},
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Expectation(**settings)


@pytest.mark.parametrize(
    "settings",
    [{}, {"pointer": "/a", "equals": None}, {"pointer": "/a", "equals": True}, {"pointer": "/a", "equals": 1}],
)
def test_it_survives_the_database(settings: dict[str, Any]) -> None:
    destination = WebhookDestination(connection="hook", expect=Expectation(**settings))
    stored = json.loads(destination.model_dump_json())
    assert WebhookDestination.model_validate(stored) == destination
    assert type(WebhookDestination.model_validate(stored).expect.equals) is type(destination.expect.equals)


def test_a_destination_of_an_earlier_version_is_read() -> None:
    stored = {"channel": "webhook", "connection": "hook", "payload": "multipart"}
    assert WebhookDestination.model_validate(stored).expect == Expectation()


@pytest.mark.parametrize(
    ("header", "content", "found"),
    [
        ("r-1", b"", "r-1"),
        ("r-1", b'{"id": "j-1"}', "j-1"),
        ("r-1", b'{"id": 4711}', "4711"),
        ("r-1", b'{"id": true}', "r-1"),
        ("r-1", b"{", "r-1"),
        ("", b'{"id": "a b"}', ""),
        ("x" * 201, b"", ""),
        ("\x1b[31m", b"", ""),
    ],
)
def test_ids(header: str, content: bytes, found: str) -> None:
    assert Expectation(id_pointer="/id").id_of(header, content) == found
