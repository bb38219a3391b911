"""Write docs/reference/command-line.md from the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from cyclopts import App

from cli.main import app
from scripts.reference.markdown import prose, table

_HEAD = """# The command line
This page is made from the code by `make docs`.

`mailroom` is in `.venv/bin` after `make setup`. The exit status is 0 when it is done, 1 when it was refused or failed,
and 2 when the call or the set-up is wrong. Most commands speak to the API at `MAILROOM_HOST` and `MAILROOM_API_PORT`,
with the key in `MAILROOM_API_KEY` or in `api-key` of the data folder. `mailroom COMMAND --help` says the same as this
page.
"""


def page() -> str:
    """Return the whole page."""
    parts = [_HEAD]
    for name, command in _commands(app):
        parts.append(f"## mailroom {name}\n{_described(command)}\n")
        for inner, one in _commands(command):
            parts.append(f"### mailroom {name} {inner}\n{_described(one)}\n")
    return "\n".join(parts)


def names() -> list[str]:
    """Return every command, as it is typed without `mailroom`."""
    return [
        " ".join(words)
        for name, command in _commands(app)
        for words in [(name,), *((name, inner) for inner, _ in _commands(command))]
    ]


def _commands(of: App) -> Iterator[tuple[str, App]]:
    for name in of.resolved_commands() if hasattr(of, "resolved_commands") else of:
        if not name.startswith("-"):
            yield name, of[name]


def _described(command: App) -> str:
    parts = [prose(_first_part(command.help or ""))]
    if command.default_command is not None:
        collection = command.assemble_argument_collection(parse_docstring=True)
        rows = [_row(argument) for argument in collection if argument.show]
        if rows:
            parts.append(table(("Argument", "Needed", "Default", "Meaning"), rows))
    return "\n\n".join(part for part in parts if part)


def _first_part(text: str) -> str:
    """Return a docstring without its list of parameters, which the table has."""
    return inspect.cleandoc(text).split("\nParameters\n")[0].strip()


def _row(argument: Any) -> list[str]:
    parameter = argument.field_info
    given = [name for name in argument.names if not name.startswith("--no-") and not name.startswith("--empty-")]
    if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD:
        given.insert(0, parameter.name.upper())
    names = " or ".join(f"`{name}`" for name in dict.fromkeys(given))
    needed = argument.required
    default = parameter.default
    unset = needed or default is False or default in (None, "", inspect.Parameter.empty)
    shown = "" if unset else f"`{default}`"
    return [names, "yes" if needed else "", shown, prose(argument.parameter.help or "")]
