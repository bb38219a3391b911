"""Compare two versions of a part, field by field, and make one of them. Pure."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from api.web.wizard.steps.frequency_words import CATCHUP, HOLIDAY, OVERLAP
from api.web.wizard.summary.answers import timing_words
from mailroom.drafts.spec import Part
from mailroom.executions.conditions.spec import Condition
from mailroom.executions.conditions.words import condition_words

Path = tuple[str | int, ...]
_LABELS = {
    "report_id": "Report",
    "timing": "When",
    "at": "Time",
    "days": "Days",
    "day": "Day",
    "month": "Month",
    "month_of_quarter": "Month of the quarter",
    "timezone": "Time zone",
    "starts_on": "Starts",
    "ends_on": "Ends",
    "calendar": "Calendar",
    "on_holiday": "On a holiday",
    "every": "Hours between runs",
    "from": "From",
    "until": "Until",
    "expression": "Cron expression",
    "overlap": "While an earlier run has not ended",
    "catchup": "Runs that were missed",
    "expires_after": "Too late after",
    "jitter": "Spread the start",
    "pause_after_failures": "Suspend after failures",
    "max_attempts": "Tries for each delivery",
    "notify_recipients": "Tell its readers when it does not come",
    "send_if": "Send",
    "threshold": "Value that a column reaches",
    "formats": "Formats",
    "destinations": "Destinations",
    "to": "To",
    "cc": "Cc",
    "bcc": "Bcc",
    "subject": "Subject",
    "path": "Path",
    "name": "Name",
}
_DAYS = {"mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday", "sat": "Saturday"}
_DAYS |= {"sun": "Sunday"}
_CHOICES: Mapping[str, Mapping[str, str]] = {
    "send_if": {
        "always": "Always",
        "rows": "Only when there are rows",
        "not_empty": "Only when there are rows",
        "no_rows": "Only when there are no rows",
        "changed": "Only when the data has changed",
        "threshold": "Only when a column reaches a value",
    },
    **{
        name: {value: label for value, label, _ in choices}
        for name, choices in (("overlap", OVERLAP), ("catchup", CATCHUP), ("on_holiday", HOLIDAY))
    },
}
_ABSENT = object()


def differences(part: Part, mine: Mapping[str, Any], saved: Mapping[str, Any]) -> list[Path]:
    """Return the places in which two versions of a part differ and between which a person can choose."""
    return [path for path in dict.fromkeys(_units(part, mine, saved)) if at(mine, path) != at(saved, path)]


def _units(part: Part, mine: Mapping[str, Any], saved: Mapping[str, Any]) -> Iterable[Path]:
    for name in dict.fromkeys([*mine, *saved]):
        one, other = mine.get(name), saved.get(name)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            # Fields of one kind of timing, or of condition, say nothing in another kind.
            kind = {"timing": "frequency", "condition": "send_if"}.get(name)
            if kind is not None and one.get(kind) != other.get(kind):
                yield (name,)
                continue
            yield from ((name, key) for key in dict.fromkeys([*one, *other]))
        elif part is Part.DESTINATIONS and name == "destinations" and _alike(one, other):
            for index, (first, second) in enumerate(zip(one or (), other or (), strict=True)):
                yield from ((name, index, key) for key in dict.fromkeys([*first, *second]))
        else:
            yield (name,)


def _alike(one: Any, other: Any) -> bool:
    if not (isinstance(one, list) and isinstance(other, list) and len(one) == len(other)):
        return False
    pairs = list(zip(one, other, strict=True))
    if not all(isinstance(each, Mapping) for pair in pairs for each in pair):
        return False
    return all(first.get("channel") == second.get("channel") for first, second in pairs)


def at(value: Any, path: Path) -> Any:
    """Return what is at a place; a marker that equals nothing else where nothing is there."""
    for step in path:
        inside = step in value if isinstance(value, Mapping) else isinstance(value, list) and step in range(len(value))
        if not inside:
            return _ABSENT
        value = value[step]
    return value


def merged(mine: Mapping[str, Any], saved: Mapping[str, Any], from_mine: Iterable[Path]) -> dict[str, Any]:
    """Return the saved version with these places as they are in mine."""
    found: dict[str, Any] = copy.deepcopy(dict(saved))
    for path in from_mine:
        wanted, place = at(mine, path), found
        for step in path[:-1]:
            place = place[step]  # type: ignore[index]  # Both versions have what leads to a difference.
        if wanted is _ABSENT:
            place.pop(path[-1], None)  # type: ignore[arg-type]  # As above.
        else:
            place[path[-1]] = copy.deepcopy(wanted)  # type: ignore[index]  # As above.
    return found


def label(path: Path) -> str:
    """Return the name of a place."""
    last = str(path[-1])
    words = _LABELS.get(last, last.replace("_", " ").capitalize())
    return f"Destination {int(path[1]) + 1}: {words}" if len(path) == 3 else words


def words(value: Any, path: Path) -> str:
    """Return a value as a person reads it."""
    if value is _ABSENT or value is None or value in ("", [], {}):
        return "nothing"
    name = str(path[-1]) if path else ""
    if name in _WHOLE and isinstance(value, Mapping):
        return _WHOLE[name](value)
    if name in _CHOICES and isinstance(value, str):
        return _CHOICES[name].get(value, value)
    if name == "days" and isinstance(value, list):
        return ", ".join(_DAYS.get(str(one), str(one)) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {words(one, (str(key),))}" for key, one in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(words(one, ()) for one in value)
    return str(value)


def _condition(value: Any) -> str:
    try:
        return condition_words(Condition.model_validate(value))
    except ValidationError:
        return "a condition with faults"


_WHOLE: Mapping[str, Callable[[Any], str]] = {
    "timing": lambda value: timing_words(value) or "a timing with faults",
    "condition": _condition,
    "threshold": lambda value: _condition({"send_if": "threshold", "threshold": value}),
}
