"""Fills a text section: `{{ parameter }}` and `{{ query.column }}`, and nothing else that Jinja2 could do."""

from __future__ import annotations

from collections.abc import Callable

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mailroom.reports.errors import RenderFailed

REMEDY = "A text section may contain only {{ parameter }} and {{ query.column }}."
_parser = ImmutableSandboxedEnvironment()

Place = tuple[str, str]
"""(parameter, '') or (query, column)."""


def parse(text: str) -> list[str | Place]:
    """Return the text as literal pieces and places to fill.

    The template is parsed and never run: whatever is not a name or one dotted name is refused here.

    Raises:
        RenderFailed: the text holds anything else, such as a filter, a call or a loop.
    """
    try:
        template = _parser.parse(text)
    except TemplateSyntaxError as error:
        raise RenderFailed(
            f"Line {error.lineno} of the text cannot be read: {error.message}.", remedy=REMEDY
        ) from error
    return [_piece(node) for output in template.body for node in _outputs(output)]


def _outputs(node: nodes.Node) -> list[nodes.Expr]:
    if not isinstance(node, nodes.Output):
        raise RenderFailed(f"The text uses a {type(node).__name__} statement in line {node.lineno}.", remedy=REMEDY)
    return node.nodes


def _piece(node: nodes.Expr) -> str | Place:
    match node:
        case nodes.TemplateData(data=data):
            return str(data)
        case nodes.Name(name=name):
            return (str(name), "")
        case nodes.Getattr(node=nodes.Name(name=name), attr=attr):
            return (str(name), str(attr))
    raise RenderFailed(f"The text uses a {type(node).__name__} expression in line {node.lineno}.", remedy=REMEDY)


def queries_in(text: str) -> set[str]:
    """Return the queries that a text refers to."""
    return {piece[0] for piece in parse(text) if isinstance(piece, tuple) and piece[1]}


def fill(text: str, value_of: Callable[[str, str], str]) -> str:
    """Return the text, each place filled by `value_of(name, column)`, which raises RenderFailed for unknown ones."""
    return "".join(piece if isinstance(piece, str) else value_of(*piece) for piece in parse(text))
