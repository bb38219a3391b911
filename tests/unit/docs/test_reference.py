"""The reference is as the code is: pages that are made from it are up to date, and nothing is left out."""

from __future__ import annotations

import re

import pytest

from scripts.reference import commands, settings
from scripts.reference.pages import DOCS, pages, stray

ROOT = DOCS.parent
OWN = {
    # Written by Mailroom itself, for programs that it starts, or for the tests and benches.
    "MAILROOM_ATTEMPT",
    "MAILROOM_DELIVERY_KEY",
    "MAILROOM_OUTBOUND_OWN",
    "MAILROOM_OUTPUT",
    "MAILROOM_TEST",
    "MAILROOM_UP_ID",
}
SOURCES = [
    path
    for room in ("api", "blocks", "cli", "deployments", "embedded", "flows", "mailroom")
    for path in (ROOT / room).rglob("*.py")
]


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


def test_pages_are_as_they_are_made(made: dict[str, str]) -> None:
    old = [path for path, text in made.items() if not (DOCS / path).exists() or (DOCS / path).read_text() != text]
    assert (old, stray()) == ([], []), "run `make docs`"


def test_every_setting_has_a_meaning() -> None:
    assert settings.without_meaning() == []


def test_no_variable_is_left_out() -> None:
    """Whatever the code reads from the environment under a name of ours is on the page."""
    read = {
        name.removesuffix("_FILE")
        for path in SOURCES
        for name in re.findall(r'"((?:PREFECT_)?MAILROOM_[A-Z0-9_]*[A-Z0-9])"', path.read_text())
    }
    known = settings.variables() | OWN
    assert sorted(name for name in read if name not in known) == []


def test_every_operation_is_on_a_page(made: dict[str, str]) -> None:
    from scripts.reference.rest.document import document

    text = "\n".join(made.values())
    wanted = [f"## {method.upper()} {path}\n" for path, item in document()["paths"].items() for method in item]
    assert [one for one in wanted if one not in text] == []


def test_commands_in_the_docs_exist() -> None:
    """`mailroom word` in a page is a command; in a group of commands, the second word is one of it."""
    known = set(commands.names())
    groups = {name.split()[0] for name in known if " " in name}
    for page in [ROOT / "README.md", *DOCS.rglob("*.md")]:
        text = page.read_text()
        lines = re.findall(r"^ *(?:\.venv/bin/)?(mailroom .*)$", text, re.MULTILINE)
        for line in lines + re.findall(r"`(mailroom [^`\n]+)`", text):
            first, _, rest = line.removeprefix("mailroom ").partition(" ")
            if not re.fullmatch(r"[a-z][a-z-]*", first):
                continue
            assert first in known, f"{page.name}: {line}"
            second = rest.partition(" ")[0]
            if first in groups and re.fullmatch(r"[a-z][a-z-]+", second):
                assert f"{first} {second}" in known, f"{page.name}: {line}"
