"""Refusals on pages: no REST call, setting or command is shown, and what has a code has words of its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.web import refusals
from mailroom.errors import Conflict, Fault, Forbidden, Invalid, Limited, LimitReached, NotFound
from mailroom.settings import CHECKOUT
from prefect_mailroom.errors import MailroomError

ROOMS = ("mailroom", "deployments", "api/actions", "api/web", "blocks/prefect_mailroom")
FOR_PROGRAMS = re.compile(r"/api/v1|\b(?:GET|POST|PUT|PATCH|DELETE) |\b(?:MAILROOM|PREFECT)_|`mailroom\b|docs/")
_REMEDY_AT = {"Fault": 2, "at": 2, "Problem": 2}
"""Where the remedy stands among the positional arguments, by the name of what is called."""


@dataclass(frozen=True)
class Place:
    """A remedy in the source that is not for pages; `codes` are the codes at that place."""

    where: str
    message: str
    remedy: str
    codes: tuple[str, ...]


def _text(node: ast.AST | None) -> str:
    """Return the constant parts of a string, with a word in place of each value."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join("x1" if isinstance(part, ast.FormattedValue) else _text(part) for part in node.values)
    if isinstance(node, ast.BinOp | ast.IfExp | ast.BoolOp):
        return " ".join(_text(part) for part in ast.iter_child_nodes(node))
    return ""


def _assigned(function: ast.AST) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = found.get(node.targets[0].id, "") + _text(node.value)
    return found


def _codes(node: ast.AST | None) -> tuple[str, ...]:
    if isinstance(node, ast.JoinedStr):  # Made of the name of a thing.
        shape = re.compile(
            "".join("[a-z]+" if isinstance(part, ast.FormattedValue) else _text(part) for part in node.values)
        )
        return tuple(code for code in refusals.CASES if shape.fullmatch(code))
    return (_text(node),) if node is not None else ()


def _places() -> Iterator[Place]:
    for file in sorted(one for room in ROOMS for one in (CHECKOUT / room).rglob("*.py")):
        tree = ast.parse(file.read_text())
        functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
        for function in functions:
            names = _assigned(function)
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and (found := _place(call, names, file)):
                    yield found


def _place(call: ast.Call, names: dict[str, str], file: Path) -> Place | None:
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    keywords = {one.arg: one.value for one in call.keywords}
    at = _REMEDY_AT.get(called)
    remedy = keywords.get("remedy") or (call.args[at] if at is not None and len(call.args) > at else None)
    if remedy is None:
        return None

    def told(node: ast.AST | None) -> str:
        return names.get(node.id, "") if isinstance(node, ast.Name) else _text(node)

    message = told(call.args[at - 1] if at else call.args[0] if call.args else None)
    if not FOR_PROGRAMS.search(told(remedy) + " " + message):
        return None
    where = f"{file.relative_to(CHECKOUT)}:{call.lineno}"
    return Place(where, message, told(remedy), _codes(keywords.get("code")))


def test_every_remedy_that_names_a_call_or_a_setting_has_other_words_on_a_page() -> None:
    places = list(_places())
    assert len({one.where for one in places}) > 30, "the walk finds nothing, so it proves nothing"
    for one in places:
        if "/api/v1" in one.remedy:
            assert one.codes, f"{one.where}: a page needs a code here, to say where on the pages it is done"
        for code in one.codes or ("",):
            assert not code or code in refusals.CASES, f"{one.where}: pages have no words for {code}"
            for shown in (
                refusals.words(MailroomError(one.message, remedy=one.remedy, code=code)),
                refusals.of_fault(Fault("field", one.message, one.remedy, code=code)),
            ):
                assert shown.remedy, one.where
                assert not FOR_PROGRAMS.search(shown.sentence), f"{one.where}: {shown.sentence}"


def test_every_code_has_a_place_and_every_case_is_for_pages() -> None:
    source = "\n".join(file.read_text() for room in ROOMS for file in (CHECKOUT / room).rglob("*.py"))
    used = {code for one in _places() for code in one.codes} | set(re.findall(r'code="(\w+)"', source))
    of_pydantic = {code for code in refusals.CASES if code not in used}
    known = set(re.findall(r"'(\w+)'", _pydantic_types()))
    assert of_pydantic - known <= {"unknown_country"}
    for code, case in refusals.CASES.items():
        assert not FOR_PROGRAMS.search(case.message + case.remedy), code
        assert case.link is None or case.link.href.startswith("/"), code


def _pydantic_types() -> str:
    from pydantic_core import core_schema

    return Path(core_schema.__file__).read_text()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Free some space, or lower MAILROOM_MIN_FREE_MB.", ""),
        ("Choose a report. GET /api/v1/reports lists them.", "Choose a report."),
        ("Run `mailroom doctor` to look. Then try again.", "Then try again."),
        ("Ask an admin; docs/access.md lists who may do what.", ""),
        ("Write it as 2026-11-30.", "Write it as 2026-11-30."),
    ],
)
def test_sentences_for_programs_are_left_out(text: str, left: str) -> None:
    assert refusals.for_pages(text) == left


def test_what_is_wrong_what_to_do_and_where() -> None:
    found = refusals.words(
        NotFound("There is no connection 'x'.", remedy="GET /api/v1/connections.", code="no_connection")
    )
    assert (found.heading, found.link and found.link.href) == ("Not found", "/connections")
    stale = refusals.words(Conflict('Its version is "1", you sent "2".', remedy="Send If-Match.", stale=True))
    assert '"1"' not in stale.sentence
    assert stale.remedy
    missing = refusals.words(Forbidden("The role viewer does not have the permission x.y.", code="not_permitted"))
    assert "x.y" not in missing.sentence
    many = refusals.words(Invalid([Fault("a", "is wrong."), Fault("b", "is wrong.")]))
    assert many.message != refusals.words(Invalid.at("a", "is wrong.")).message == "Is wrong."
    operators = refusals.words(MailroomError("No space is left.", remedy="Lower MAILROOM_MIN_FREE_MB."))
    assert operators.remedy


def test_a_limit_says_whom_to_ask() -> None:
    limited = Limited("interval_seconds", 3600, 60, "reports-team@example.com")
    fault = Fault("timing", "Too often.", "Ask for MAILROOM_X.", limited, code="short_interval")
    assert "reports-team@example.com" in refusals.of_fault(fault).remedy
    reached = LimitReached("You have 10.", limited, remedy="Delete one, or ask reports-team@example.com.")
    assert refusals.words(reached).remedy == "Delete one, or ask reports-team@example.com."


@pytest.mark.parametrize("code", ["set if_exists to timestamp", "set policy.jitter to spread the start"])
def test_what_programs_set_is_said_as_pages_have_it(code: str) -> None:
    told = refusals.for_pages(f"Choose that time, or {code} in both schedules.")
    assert "_" not in told
    assert "policy" not in told
    assert told.startswith("Choose that time, or ")
