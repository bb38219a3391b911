"""Sum up what a schedule is to be, a row for each step. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from api.web.fields.said import parameter_lines
from api.web.parts import SummaryRow
from api.web.wizard.step import DESTINATIONS, FREQUENCY, PARAMETERS, REPORT, Step
from api.web.wizard.steps.frequency_words import CATCHUP, OVERLAP
from api.web.wizard.summary.answers import reach_words, timing_words
from api.web.words import count, kind_words
from mailroom.executions.conditions.spec import Condition
from mailroom.executions.conditions.words import condition_words
from mailroom.executions.policy import Policy

_SHOWN_PEOPLE = 5
_POLICY_WORDS = {"overlap": OVERLAP, "catchup": CATCHUP}


def rows(
    body: Mapping[str, Any], *, report_title: str, schema: Mapping[str, Any], change: Mapping[str, str], next_run: str
) -> tuple[SummaryRow, ...]:
    """Return the rows.

    Args:
        schema: of the report's parameters.
        change: where each step is changed, by its name.
        next_run: when the next run is due, in words.
    """

    def row(step: Step, lines: Sequence[str]) -> SummaryRow:
        return SummaryRow(step.term, tuple(filter(None, lines)) or ("Nothing yet",), change.get(step.name, ""))

    when = [timing_words(body.get("timing")), f"Next: {next_run}" if next_run else "", *_policy(body.get("policy"))]
    return (
        row(REPORT, [report_title]),
        row(FREQUENCY, when),
        row(PARAMETERS, _data(body, schema)),
        row(DESTINATIONS, _destinations(body)),
    )


def _policy(policy: Any) -> list[str]:
    """Return what of the policy is not as it is by itself."""
    if not isinstance(policy, Mapping):
        return []
    default, found = Policy().model_dump(mode="json"), []
    for name, choices in _POLICY_WORDS.items():
        chosen = policy.get(name, default[name])
        words = next((label for value, label, _ in choices if value == chosen), "")
        if chosen != default[name] and words:
            what = "If an earlier run has not ended" if name == "overlap" else "Of runs that were missed"
            found.append(f"{what}: {words[:1].lower()}{words[1:]}")
    return found


def _data(body: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    given = body.get("parameters")
    lines = parameter_lines(schema, given) if isinstance(given, Mapping) else []
    return [*(lines or ["As the report has it"]), *_condition(body.get("condition"))]


def _condition(given: Any) -> list[str]:
    """Return when it is sent, where that is not always."""
    try:
        condition = Condition.model_validate(given or {})
    except ValidationError:
        return []  # The step says what is wrong with it.
    return [] if condition.rule == "always" else [f"Sent {_lower(condition_words(condition))}."]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _destinations(body: Mapping[str, Any]) -> list[str]:
    formats = body.get("formats")
    lines = [", ".join(str(one).upper() for one in formats)] if isinstance(formats, list) and formats else []
    destinations = body.get("destinations")
    given = destinations if isinstance(destinations, list) else []
    return [*lines, *(_destination(one) for one in given if isinstance(one, Mapping))]


def _destination(one: Mapping[str, Any]) -> str:
    kind, connection = kind_words(str(one.get("channel") or "")), str(one.get("connection") or "")
    via = f" through {connection}" if connection else ""
    people = [str(address) for name in ("to", "cc", "bcc") for address in _list(one.get(name))]
    if people:
        shown = ", ".join(people[:_SHOWN_PEOPLE])
        more = f" and {count(len(people) - _SHOWN_PEOPLE, 'other')}" if len(people) > _SHOWN_PEOPLE else ""
        return f"{kind}{via} to {reach_words([one])}: {shown}{more}"
    path = str(one.get("path") or one.get("url") or "")
    return f"{kind}{via}{f': {path}' if path else ''}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
