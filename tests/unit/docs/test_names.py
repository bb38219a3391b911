"""Each command, request, setting, metric and make target that a page names exists, so that runbooks can be typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cyclopts import App

from cli.main import app
from mailroom.watching.figures.metrics import METRICS
from scripts.reference.rest.document import document
from scripts.reference.settings import variables
from tests.unit.docs.test_reference import OWN

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted(
    page
    for page in [*ROOT.glob("*.md"), *ROOT.glob("deploy/*.md"), *ROOT.glob("blocks/*.md"), *ROOT.glob("docs/**/*.md")]
    if page.name != "CHANGELOG.md" and not {"_build", "decisions", "reference"} & set(page.parts)
)
"""The changelog and decisions tell of their time, and the reference is made from the code."""
_PREFECT = {"GET /api/health"}
_GUIDE = {"MAILROOM_NAME", "MAILROOM_OWNER", "MAILROOM_REPOSITORY", "MAILROOM_VERSION"}
"""Variables of the shell in which the production guide is followed."""
_REQUEST = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/[^\s?#]+)(?:\?\S*)?")


def _told(page: Path) -> list[str]:
    """Return what a page shows as code: the words between backticks, and each line of its blocks."""
    text = page.read_text()
    blocks = re.findall(r"^ *```\w*.*?\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    return [*re.findall(r"`([^`\n]+)`", text), *(line.strip() for block in blocks for line in block.splitlines())]


def _below(at: App) -> list[str]:
    return [name for name in at if not name.startswith("-")]


def _fault_of(command: str) -> str:
    """Return what is wrong with a command that a page shows; empty for nothing."""
    words = [word.strip("\"'();") for word in command.split()]
    at: App = app
    used = 0
    while used < len(words) and not words[used].startswith("-") and words[used] in at:
        at, used = at[words[used]], used + 1
    if used == 0 and words[:1] not in (["--help"], ["COMMAND"], ["…"]):
        return f"There is no command mailroom {words[0]}."
    if at.default_command is None:
        # Commands that are shown together, such as `mailroom sessions list|end`, are each there.
        each = words[used].split("|") if used < len(words) else []
        return next((f"There is no {one} in {command}." for one in each if one.isalpha() and one not in at), "")
    if used and used < len(words) and re.fullmatch("[a-z-]+", words[used]) and _below(at):
        return f"There is no mailroom {' '.join(words[: used + 1])}."
    known = {name for argument in at.assemble_argument_collection(parse_docstring=True) for name in argument.names}
    given = [word.partition("=")[0] for word in words[used:] if word.startswith("--")]
    return next((f"mailroom {command} has no {one}." for one in given if one not in {*known, "--help"}), "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist(page: Path) -> None:
    shown = [re.sub(r"^(\$ )?(\.venv/bin/)", "", one) for one in _told(page)]
    commands = {one.removeprefix("mailroom ").partition(" #")[0] for one in shown if one.startswith("mailroom ")}
    commands = {re.split(r" (?:\|\|?|&&|>) ", one)[0] for one in commands}
    assert [fault for one in sorted(commands) if (fault := _fault_of(one))] == []


def test_requests_exist() -> None:
    known = [
        (method.upper(), re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path))))
        for path, operations in document()["paths"].items()
        for method in operations
    ]
    wrong = []
    for page in PAGES:
        for one in filter(None, map(_REQUEST.fullmatch, _told(page))):
            method, path = one.groups()
            whole = path.startswith("/api/v1/") or page.name == "runbooks.md"
            there = any(method == name and form.fullmatch(path) for name, form in known)
            if whole and not there and one[0] not in _PREFECT:
                wrong.append(f"{page.relative_to(ROOT)}: {one[0]}")
    assert wrong == []


def test_settings_and_metrics_of_operations_exist() -> None:
    settings, shown = variables() | OWN | _GUIDE, {one.shown for one in METRICS}
    wrong = []
    for page in (ROOT / "docs/operations").glob("*.md"):
        text = page.read_text()
        named = {name.removesuffix("_FILE") for name in re.findall(r"`(MAILROOM_[A-Z0-9_]*[A-Z0-9])", text)}
        wrong += [f"{page.name}: {name}" for name in sorted(named - settings)]
        counted = {name for name in re.findall(r"`(mailroom_[a-z0-9_]+)", text) if "_" in name}
        wrong += [f"{page.name}: {name}" for name in sorted(counted) if name not in shown]
    assert wrong == []


def test_make_targets_exist() -> None:
    there = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        (page.name, target)
        for page in PAGES
        for one in _told(page)
        for target in re.findall(r"^make ([a-z0-9-]+)", one)
    }
    assert len(named) > 10
    assert sorted(one for one in named if one[1] not in there) == []
