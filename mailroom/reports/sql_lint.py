"""Checks a query when a report is saved: one statement, reading only, every `:name` a declared parameter.

This gives the author early, clear words. It is not the guard: that is the database itself, opened for reading only
(`mailroom.rendering.sources.sql`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, Protocol

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<comment>--[^\n]*|/\*.*?\*/)
    | (?P<text>\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*')
    | (?P<dollar>\$(?P<tag>[A-Za-z_]\w*|)\$.*?\$(?P=tag)\$)
    | (?P<quoted>"(?:[^"]|"")*"|`[^`]*`)
    | (?P<cast>::)
    | (?P<parameter>:[A-Za-z_]\w*)
    | (?P<word>[A-Za-z_][\w$]*)
    | (?P<number>\d[\w.]*)
    | (?P<end>;)
    | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_SILENT = {"space", "comment"}
# Words that only a write, or a lock, has outside names; a column of such a name must be quoted.
_WRITES = {"insert", "update", "delete", "merge", "into", "replace", "drop", "alter", "create", "truncate", "grant",
           "attach", "pragma", "vacuum", "copy", "call", "commit", "rollback"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL; `line` counts from 1."""

    kind: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault of a query. `line` counts from 1 inside the query's text."""

    severity: Literal["error", "warning"]
    query: str
    line: int
    message: str
    remedy: str


def tokens(sql: str) -> Iterator[Token]:
    """Split SQL into tokens that together are the whole text."""
    line = 1
    for match in _TOKEN.finditer(sql):
        kind = "text" if match.lastgroup in {"tag", "dollar"} else str(match.lastgroup)
        yield Token(kind, match[0], line)
        line += match[0].count("\n")


def parameters_of(sql: str) -> dict[str, int]:
    """Return the `:name` parameters of a query, each with its first line."""
    found: dict[str, int] = {}
    for token in tokens(sql):
        if token.kind == "parameter":
            found.setdefault(token.text[1:], token.line)
    return found


def lint_query(name: str, sql: str, declared: Collection[str]) -> list[Finding]:
    """Return what is wrong with one query, in the order of its lines; `declared` are the report's parameters."""
    found: list[Finding] = []

    def error(line: int, message: str, remedy: str) -> None:
        found.append(Finding("error", name, line, f"The query '{name}' {message}", remedy))

    said = [token for token in tokens(sql) if token.kind not in _SILENT]
    while said and said[-1].kind == "end":
        said.pop()
    if not said:
        error(1, "is empty.", "Write one SELECT statement.")
        return found
    _check_shape(said, error)
    for token in tokens(sql):
        if token.kind == "comment" and "/*" in token.text[2:]:
            error(
                token.line,
                "has a comment inside another comment.",
                ("Remove one of them, because databases disagree on where such a comment ends."),
            )
        if token.kind == "other" and token.text in "'\"`":
            error(token.line, f"has a {token.text} that is never closed.", "Add the closing quotation mark.")
            break
    for parameter, line in parameters_of(sql).items():
        if parameter not in declared:
            near = get_close_matches(parameter, declared, n=1)
            hint = f"Did you mean ':{near[0]}'? " if near else ""
            error(line, f"uses ':{parameter}', which is not a parameter.", f"{hint}Or declare it under `parameters`.")
    return sorted(found, key=lambda finding: finding.line)


def lint(queries: Mapping[str, str], declared: Collection[str]) -> list[Finding]:
    """Return what is wrong with a report's queries; a parameter that no query uses is a warning of the first query."""
    found = [finding for name, sql in queries.items() for finding in lint_query(name, sql, declared)]
    used = {parameter for sql in queries.values() for parameter in parameters_of(sql)}
    for parameter in declared:
        if parameter not in used:
            first = next(iter(queries))
            message = f"No query uses the parameter '{parameter}'."
            found.append(Finding("warning", first, 1, message, f"Use :{parameter} in a query, or remove it."))
    return found


def _check_shape(said: list[Token], error: _Report) -> None:
    first = next((token for token in said if token.text != "("), said[0])
    if first.text.lower() not in {"select", "with"}:
        error(first.line, f"begins with '{first.text[:30]}'.", "A report only reads: write SELECT or WITH … SELECT.")
        return
    for before, token, after in zip([None, *said[:-1]], said, [*said[1:], None], strict=True):
        if token.kind == "end":
            error(token.line, "has a second statement after ';'.", "Write one statement per query.")
            return
        name_of = before is not None and before.text.lower() in {".", "as"}
        call = after is not None and after.text == "("
        if token.kind == "word" and token.text.lower() in _WRITES and not name_of and not call:
            remedy = "A report only reads. Put a column of this name in double quotes."
            error(token.line, f"contains the word {token.text.upper()}.", remedy)


class _Report(Protocol):
    """The type of the function that notes an error."""

    def __call__(self, line: int, message: str, remedy: str) -> None: ...
