"""Pydantic's errors about a report, in words for its author: where, what, and the nearest thing that is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from mailroom.reports import spec as definition

_MODELS: dict[str, type[BaseModel]] = {
    "sql": definition.SqlSource,
    "http": definition.HttpSource,
    "shell": definition.ShellSource,
    "text": definition.TextSection,
    "key_figures": definition.KeyFiguresSection,
    "chart": definition.ChartSection,
    "table": definition.TableSection,
    "columns": definition.Column,
    "x": definition.Column,
    "y": definition.Column,
}
# Filled in from the folder, so never suggested as keys of report.yaml.
_NOT_WRITTEN = {"id", "template"}


@dataclass(frozen=True, slots=True)
class Said:
    """One error in words; `at` is its path in the definition, tags of unions included."""

    at: tuple[str | int, ...]
    message: str
    remedy: str


def explain(fault: ErrorDetails) -> Said:  # one answer a kind of error reads best
    """Say what one error of pydantic means."""
    at = tuple(fault["loc"])
    name = str(at[-1]) if at else "the report"
    context = fault.get("ctx", {})
    match fault["type"]:
        case "extra_forbidden":
            known = sorted(set(_model_at(at).model_fields) - (_NOT_WRITTEN if len(at) == 1 else set()))
            near = get_close_matches(name, known, n=1)
            hint = f"Did you mean '{near[0]}'?" if near else f"The known keys are: {', '.join(known)}."
            return Said(at, f"'{name}' is not a known key.", hint)
        case "missing":
            return Said(at, f"'{name}' is missing.", f"Add '{name}: …'.")
        case "union_tag_not_found":
            return Said(at, f"'{name}' has no kind.", "Add 'kind: …'.")
        case "union_tag_invalid":
            tag, expected = str(context["tag"]), str(context["expected_tags"])
            return Said((*at, "kind"), f"'{tag[:40]}' is not a known kind.", f"Choose one of {expected}.")
        case "unknown_query":
            return Said(tuple(context["at"]), f"{fault['msg']}.", "Name a query of the source.")
        case "enum" | "literal_error":
            shown = str(fault["input"])[:40]
            near = get_close_matches(shown, str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", "))
            hint = f"Did you mean '{near[0]}'? " if near else ""
            return Said(at, f"{_where(at)} cannot be '{shown}'.", f"{hint}Allowed: {context['expected']}.")
        case "string_pattern_mismatch" if at == ("id",):
            message = f"The folder's name '{str(fault['input'])[:80]}' cannot be a report's id."
            return Said(at, message, "Rename it: small letters and digits, joined by single '-'.")
    return Said(at, f"{_where(at)}: {fault['msg']}.", "Correct the value.")


def _model_at(at: tuple[str | int, ...]) -> type[BaseModel]:
    parents = [part for part in at[:-1] if part in _MODELS]
    return _MODELS[str(parents[-1])] if parents else definition.ReportDefinition


def _where(at: tuple[str | int, ...]) -> str:
    return f"'{'.'.join(str(part) for part in at)}'" if at else "The report"
