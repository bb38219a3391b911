"""Files and options that people write: read, or refused by place."""

from __future__ import annotations

import pytest

from cli.commands.reports import parse_parameter
from cli.commands.schedules.commands import _safe, parse_body, read_text
from embedded.display import printable
from prefect_mailroom.errors import MailroomError


@pytest.mark.parametrize("text", ['{"name": "a", "formats": ["pdf"]}', "name: a\nformats: [pdf]\n"])
def test_json_and_yaml_give_the_same(text: str) -> None:
    assert parse_body(text, "s") == {"name": "a", "formats": ["pdf"]}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"name": "a",\n "b" 1}', "line 2, column 6"),
        ("name: [a\nb: c", "line 2"),
        ("- a", "does not contain a schedule"),
        ("", "no"),
    ],
)
def test_a_broken_file_is_refused_by_its_place(text: str, place: str) -> None:
    with pytest.raises(MailroomError, match=place):
        parse_body(text, "my.yaml")


def test_yaml_cannot_make_objects() -> None:
    with pytest.raises(MailroomError, match="line 1"):
        parse_body("a: !!python/object/apply:os.getcwd []", "my.yaml")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(MailroomError, match=r"no-such\.yaml"):
        read_text("no-such.yaml")


@pytest.mark.parametrize(
    ("text", "value"), [("a=1", 1), ("a=x y", "x y"), ("a=", ""), ('a="1"', "1"), ("a=b=c", "b=c"), ("a=[1]", [1])]
)
def test_parameters(text: str, value: object) -> None:
    assert parse_parameter(text) == ("a", value)


@pytest.mark.parametrize("text", ["a", "=1"])
def test_what_is_no_parameter_is_refused(text: str) -> None:
    with pytest.raises(MailroomError, match="NAME=VALUE"):
        parse_parameter(text)


@pytest.mark.parametrize("text", ["", "../reports", "a/b", "a?x", "é"])
def test_an_id_cannot_lead_to_another_path(text: str) -> None:
    with pytest.raises(MailroomError, match="is not a schedule id"):
        _safe(text)


def test_nothing_steers_the_terminal() -> None:
    assert printable("a\x1b[2Jb\x9bc\r\u202ed\ne") == "a�[2Jb�c��d\ne"
