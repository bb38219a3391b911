"""Show the detail of an entry: what was before and after, part by part, and the facts besides. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from api.web.audit.sentences import in_words

_PAIRS = frozenset({"changes", "owner", "subjects", "reason"})
"""The members of a detail that have before and after: `changes` by the name of each part, the others themselves."""
_MOST = 60
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Change:
    """A part that differs; a part that was not there, or is there no more, has an empty side."""

    part: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A member of a detail in words."""

    name: str
    value: str


def changes_of(detail: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return before and after of each part that differs, the parts within a part one by one."""
    found: list[Change] = []
    for name, value in detail.items():
        if _has_before_and_after(name, value):
            for part, pair in value.items() if name == "changes" else ((name, value),):
                found += _pair(str(part), pair)
    return tuple(found[:_MOST])


def facts_of(detail: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Return what else is on record. Where a program asked is left out: pages name no addresses of programs."""
    hidden = {"path", "method"} if str(detail.get("path", "")).startswith("/api/") else set()
    return tuple(
        Fact(part, shown)
        for name, value in detail.items()
        if name not in hidden and not _has_before_and_after(name, value)
        for part, shown in _flat(str(name), value)
    )[:_MOST]


def _has_before_and_after(name: str, value: Any) -> bool:
    if name == "changes":
        return isinstance(value, Mapping)
    return name in _PAIRS and isinstance(value, list) and len(value) == 2


def _pair(name: str, pair: Any) -> Iterator[Change]:
    if not (isinstance(pair, list) and len(pair) == 2):
        return
    before, after = dict(_flat(name, pair[0])), dict(_flat(name, pair[1]))
    for part in [*before, *(one for one in after if one not in before)]:
        if before.get(part) != after.get(part):
            yield Change(part, before.get(part, ""), after.get(part, ""))


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield the parts of a value by their places, in words."""
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            yield from _flat(f"{name} › {key}", part)
    elif isinstance(value, list) and value and not all(isinstance(one, str | int | float) for one in value):
        for number, part in enumerate(value, start=1):
            yield from _flat(f"{name} {number}", part)
    elif value is not None and value not in ([], {}):
        yield in_words(name), _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        text = ", ".join(str(one) for one in value)
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
