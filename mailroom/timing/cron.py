"""Reads cron expressions: which are taken, and what their fields mean.

croniter reads the fields, as Prefect's scheduler does. What it, Debian's cron and others read in different ways is
refused with words, so that an expression means here what it means wherever its author learned it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

from croniter import croniter

_NAMES = ("minute", "hour", "day-of-month", "month", "day-of-week")
_RANGES = (range(60), range(24), range(1, 32), range(1, 13), range(8))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WORDS: dict[int, dict[str, int]] = {
    3: {name: number for number, name in enumerate(_MONTHS, 1)},
    4: {name: number for number, name in enumerate(_DAYS)},
}
_ITEM = re.compile(r"(?P<star>\*)?(?P<first>[0-9a-z]+)?(-(?P<last>[0-9a-z]+))?(/(?P<step>[0-9]+))?")
_LAST = "l"


@dataclass(frozen=True, slots=True)
class CronFields:
    """An expression, read. Weekdays are Python's, Monday 0; `nth` pairs a weekday with its number, -1 for the last.

    A day matches by `days` or `last_day` (of the month) or by `weekdays` or `nth`; where one side is free, the other
    decides alone.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    last_day: bool
    nth: frozenset[tuple[int, int]]
    any_day: bool
    any_weekday: bool
    repeats: bool

    @property
    def times(self) -> tuple[int, ...]:
        """Return the minutes since midnight at which the expression fires on its days."""
        return tuple(hour * 60 + minute for hour, minute in product(self.hours, self.minutes))

    def month_days(self, first_weekday: int, length: int) -> list[int]:
        """Return the days that match in a month of `length` days which begins on `first_weekday`."""
        if self.any_day and self.any_weekday:
            return list(range(1, length + 1))
        found: set[int] = set()
        if not self.any_day:
            found.update(day for day in self.days if day <= length)
            if self.last_day:
                found.add(length)
        if not self.any_weekday:
            for weekday in self.weekdays:
                found.update(range(1 + (weekday - first_weekday) % 7, length + 1, 7))
            for weekday, nth in self.nth:
                same = range(1 + (weekday - first_weekday) % 7, length + 1, 7)
                if nth <= len(same):
                    found.add(same[-1] if nth == -1 else same[nth - 1])
        return sorted(found)


def _number(field: int, text: str) -> int:
    value = _WORDS.get(field, {}).get(text)
    if value is None and text.isdigit():
        value = int(text)
    if value is None or value not in _RANGES[field]:
        low, high = _RANGES[field][0], _RANGES[field][-1]
        raise ValueError(f"'{text}' is not a {_NAMES[field]}; it goes from {low} to {high}")
    return value


def _check_item(field: int, item: str) -> None:
    """Refuse a part of a field, where commas separate the parts."""
    match = _ITEM.fullmatch(item)
    if not match or bool(match["star"]) == bool(match["first"]) or (match["star"] and match["last"]):
        raise ValueError(f"'{item}' cannot be read as {_NAMES[field]}; write, for example, 5, 1-5, */2 or 1,3,5")
    first = _number(field, match["first"]) if match["first"] else 0
    if match["last"]:
        last = _number(field, match["last"])
        if match["last"] == "sun":
            last = 7
        if last <= first:
            raise ValueError(f"'{item}' goes backwards; write a list instead, such as 22,23,0,1")
    if match["step"]:
        step = int(match["step"])
        if not 1 <= step <= len(_RANGES[field]):
            raise ValueError(f"the step of '{item}' is larger than the range of the {_NAMES[field]}")
        alone = match["first"] and not match["last"]
        if alone and (field == 4 or first + step not in _RANGES[field]):
            raise ValueError(
                f"'{item}' means different things in different programs; write the numbers out, such as 1,3,5"
            )


def _check_field(field: int, text: str) -> None:
    """Refuse one field."""
    if text == "?" and field in (2, 4):
        return
    items = text.split(",")
    if "*" in items and len(items) > 1:
        raise ValueError(f"'{text}' contains * and other values; write only *")
    special = [item for item in items if field == 4 and re.fullmatch(r"l[0-7]|[0-9a-z]+#[1-5]", item)]
    if special and len(special) < len(items):
        raise ValueError(
            f"'{text}' mixes weekdays and numbered weekdays, which Prefect does not support; create two schedules"
        )
    for item in special:
        _number(field, item.split("#")[0].removeprefix(_LAST))
    if special:
        return
    for item in items:
        if not (field == 2 and item == _LAST):
            _check_item(field, item)


def _check(expression: str) -> list[str]:
    if not re.fullmatch(r"[0-9A-Za-z*/,#? -]+", expression, re.ASCII):
        raise ValueError(
            "a cron expression may contain only letters, digits and * / , - # ?; macros such as @daily are "
            "not supported"
        )
    fields = expression.lower().split()
    if len(fields) != 5:
        raise ValueError(
            f"'{expression}' has {len(fields)} fields, but it needs five: minute hour day-of-month month day-of-week"
        )
    if any(re.search(r"(^|[^a-z])[rh]([^a-z]|$)", field) for field in fields):
        raise ValueError(f"'{expression}' uses R or H, but random times cannot be shown in advance")
    for number, text in enumerate(fields):
        _check_field(number, text)
    day, weekday = fields[2], fields[4]
    if day not in ("*", "?") and weekday not in ("*", "?"):
        if day.startswith("*") or weekday.startswith("*"):
            raise ValueError(
                f"day-of-month '{day}' with day-of-week '{weekday}': some programs require both to match, others "
                "only one; restrict only one of the two, or write the days out, such as 1,3,5"
            )
        if "#" in weekday or _LAST in weekday:
            raise ValueError(f"'{weekday}' with day-of-month '{day}': Prefect would ignore the latter; use * there")
    return fields


def _numbers(expanded: Iterable[Any], field: int) -> list[int]:
    """Return croniter's list of a field, with `*` written out and without its words for last."""
    found = list(expanded)
    if found == ["*"]:
        return [value for value in _RANGES[field] if value != 7 or field != 4]
    return [value for value in found if isinstance(value, int)]


@lru_cache(maxsize=16384)
def read_cron(expression: str) -> CronFields:
    """Return what the expression means.

    Raises:
        ValueError: it is not taken; the text says why and what to write.
    """
    fields = _check(expression)
    try:
        expanded, special = croniter.expand(" ".join(fields))
    except (ValueError, KeyError) as error:
        raise ValueError(f"'{expression}' is not a cron expression, such as 0 9 * * mon-fri") from error
    numbers = [_numbers(values, field) for field, values in enumerate(expanded)]
    both = fields[2] not in ("*", "?") and fields[4] not in ("*", "?")
    if both and ((not special and len(set(numbers[4])) == 7) or len(set(numbers[2])) == 31):
        # croniter takes these for * or not, depending on the other fields.
        raise ValueError(f"'{fields[2]}' with '{fields[4]}': one of the two means every day; write * for it")
    longest = 29 if numbers[3] == [2] else 30 if set(numbers[3]) <= {2, 4, 6, 9, 11} else 31
    if expanded[4] != ["*"] and _LAST not in expanded[2] and min(numbers[2]) > longest:
        raise ValueError(f"day-of-month '{fields[2]}' does not exist in month '{fields[3]}'; write * for it")
    nth = {
        ((int(day) - 1) % 7, -1 if n == _LAST else int(n)) for day, which in special.items() for n in map(str, which)
    }
    return CronFields(
        minutes=tuple(sorted(numbers[0])),
        hours=tuple(sorted(numbers[1])),
        days=frozenset(numbers[2]),
        months=frozenset(numbers[3]),
        weekdays=frozenset() if nth else frozenset((day - 1) % 7 for day in numbers[4]),
        last_day=_LAST in expanded[2],
        nth=frozenset(nth),
        any_day=expanded[2] == ["*"],
        any_weekday=expanded[4] == ["*"],
        repeats=fields[0].startswith("*") or fields[1].startswith("*"),
    )
