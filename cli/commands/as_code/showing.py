"""Say what became of documents: one line each, with the place of what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from cli.commands.as_code.sending import Item

SIGNS = {"created": "+", "changed": "~", "adopted": "~", "deleted": "-", "failed": "!", "unchanged": " "}
_WILL = {"created": "create", "changed": "change", "adopted": "adopt", "deleted": "delete"}
_LONGEST = 200


def lines(items: Sequence[Item], *, dry_run: bool) -> Iterator[str]:
    """Yield a line for each document that is not left as it is, with its differences or faults below. Pure."""
    for item in items:
        told = item.told
        outcome, label = told["outcome"], f"{told['kind'] or '?'}/{told['name'] or '?'}"
        by_hand = " (changed by hand since it was applied)" if told["by_hand"] else ""
        needs = ", ".join(told["missing_secrets"])
        if outcome == "failed":
            yield from _faults(item, label)
        elif outcome != "unchanged":
            word = _WILL[outcome] if dry_run else outcome
            yield f"{SIGNS[outcome]} {word} {label}{by_hand}"
            for one in told["differences"]:
                yield f"    {one['field']}: {_value(one['before'])} -> {_value(one['after'])}"
        if needs and outcome != "failed":
            yield f"  {label} needs a secret: {needs}"


def _faults(item: Item, label: str) -> Iterator[str]:
    for fault in item.told["errors"]:
        place = item.source.at(fault["field"]) if item.source else label
        yield f"! {place}: {label}: {fault['message']} {fault['remedy']}".rstrip()
    for one in item.told["differences"]:
        yield f"    {one['field']}: {_value(one['before'])} -> {_value(one['after'])}"


def _value(value: Any) -> str:
    text = "(not set)" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def summary(items: Sequence[Item], *, dry_run: bool) -> str:
    """Return how many documents had each outcome. Pure."""
    outcomes = [item.told["outcome"] for item in items]
    counted = [(one, outcomes.count(one)) for one in SIGNS]
    told = ", ".join(
        f"{count} {'to ' + _WILL[one] if dry_run and one in _WILL else one}" for one, count in counted if count
    )
    return told or "There are no documents."
