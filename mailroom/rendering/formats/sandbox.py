"""Runs Jinja2 templates: our own files, and a report's own template, which is not trusted.

A report's template runs sandboxed and autoescaped, cannot load another one, and is refused an undefined name. What the
sandbox does not bound, such as memory in a long loop, the limits of the renderer process do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mailroom.reports.errors import LimitExceeded, RenderFailed

FOLDER = Path(__file__).with_name("templates")
MAX_PRODUCT = 100_000
"""The longest text or list that `*` may make, and the largest power's bit length that `**` may."""


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox with bounds on the operators that make much from little."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Calculate `left operator right`, unless the result would be huge."""
        if operator == "%" and not isinstance(left, int | float):
            raise SecurityError("% cannot format text here; use a filter")
        if operator == "*":
            for many, times in ((left, right), (right, left)):
                if hasattr(many, "__len__") and len(many) * abs(int(times)) > MAX_PRODUCT:
                    raise SecurityError("* would produce more than 100,000 items")
        if operator == "**" and (abs(left) > MAX_PRODUCT or abs(right) > 64):
            raise SecurityError("** would produce a number that is too large")
        return super().call_binop(context, operator, left, right)


def our_templates() -> Sandbox:
    """Return the environment of our own template files."""
    return Sandbox(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_report_template(source: str, variables: dict[str, Any], *, max_bytes: int) -> str:
    """Return what a report's own template gives.

    Raises:
        RenderFailed: the template is wrong, or does what it may not; the line is named where it is known.
        LimitExceeded: its output is more than `max_bytes`.
    """
    environment = Sandbox(autoescape=True, undefined=StrictUndefined)
    try:
        return _bounded(environment.from_string(source).generate, variables, max_bytes)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f", line {line}" if line else ""
        raise RenderFailed(
            f"The report's own template failed{where}: {error.message or type(error).__name__}.",
            remedy="Correct the template. It can use `document`, `parameters`, `medium` and `picture`.",
        ) from error
    except (TypeError, ValueError, KeyError, IndexError, ArithmeticError, AttributeError, RecursionError) as error:
        raise RenderFailed(
            f"The report's own template failed: {type(error).__name__}.",
            remedy="Check its expressions. A template cannot include or import other templates.",
        ) from error


def _bounded(generate: Callable[..., Iterator[str]], variables: dict[str, Any], max_bytes: int) -> str:
    pieces, size = [], 0
    for piece in generate(**variables):
        size += len(piece)
        if size > max_bytes:
            raise LimitExceeded(
                f"The report's own template produces more than {max_bytes:,} bytes.",
                limit="output_mb",
                remedy="Show fewer rows, or raise the output limit.",
            )
        pieces.append(piece)
    return "".join(pieces)
