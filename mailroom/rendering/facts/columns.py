"""Sum up the values of one column, batch by batch: how many of each kind, the least and the greatest, a few of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from mailroom.rendering.facts.compare import begins_with_day, day_of, is_empty, number_of
from mailroom.rendering.facts.model import MOST_DISTINCT, MOST_LETTERS, ColumnFacts, Pair

_NUMBERS = (bool, int, float, Decimal)
_DAYS = (date, datetime)


class ColumnSum:
    """The values of one column so far."""

    def __init__(self, name: str, zone: ZoneInfo) -> None:
        self._name, self._zone = name, zone
        self._numbers = self._texts = self._days = self._others = 0
        self._number: tuple[Decimal, Decimal] | None = None
        self._text: tuple[str, str] | None = None
        self._day: tuple[str, str] | None = None
        self._iso = True
        self._distinct: set[Any] | None = set()

    def add(self, values: Sequence[Any]) -> None:
        """Add the column's values of a batch."""
        kinds = set(map(type, values))
        if type(None) in kinds:
            values = [value for value in values if value is not None]
            kinds.discard(type(None))
        if float in kinds or Decimal in kinds:
            values = [value for value in values if not is_empty(value)]
        for kind in kinds:
            found = values if len(kinds) == 1 else [value for value in values if type(value) is kind]
            if found:
                self._add_kind(kind, found)
        self._remember(values)

    def _add_kind(self, kind: type, values: Sequence[Any]) -> None:
        if kind in _NUMBERS:
            self._numbers += len(values)
            self._number = _wider(self._number, number_of(min(values)), number_of(max(values)))
        elif kind is str:
            self._texts += len(values)
            self._text = _wider(self._text, min(values), max(values))
            self._iso = self._iso and all(map(begins_with_day, values))
        elif kind in _DAYS:
            self._days += len(values)
            least, greatest = self._ends(values)
            self._day = _wider(self._day, least, greatest)
        else:
            self._others += len(values)

    def _ends(self, values: Sequence[date]) -> tuple[str, str]:
        try:
            return day_of(min(values), self._zone), day_of(max(values), self._zone)
        except TypeError:  # Points in time with and without a zone are not compared.
            days = [day_of(value, self._zone) for value in values]
            return min(days), max(days)

    def _remember(self, values: Sequence[Any]) -> None:
        if self._distinct is None:
            return
        try:
            self._distinct.update(values)
        except TypeError:  # A value of the source's own, such as a list.
            self._distinct = None
            return
        if len(self._distinct) > MOST_DISTINCT:
            self._distinct = None

    def facts(self) -> ColumnFacts:
        """Return what is kept of the column."""
        return ColumnFacts(
            name=self._name,
            numbers=self._numbers,
            texts=self._texts,
            days=self._days,
            others=self._others,
            number=None if self._number is None else (_plain(self._number[0]), _plain(self._number[1])),
            text=self._text if self._text is not None and _is_short(self._text) else None,
            day=self._day,
            iso=self._iso and self._texts > 0,
            distinct=self._few(),
        )

    def _few(self) -> tuple[str, ...] | None:
        """Return every value, where there are few of one kind."""
        if not self._distinct or self._others or bool(self._numbers) + bool(self._texts) + bool(self._days) != 1:
            return None
        if self._numbers:
            return tuple(_plain(one) for one in sorted({number_of(value) for value in self._distinct}))
        if self._days:
            return tuple(sorted({day_of(value, self._zone) for value in self._distinct}))
        return tuple(sorted(self._distinct)) if _is_short(self._distinct) else None


def _wider(known: tuple[Any, Any] | None, least: Any, greatest: Any) -> tuple[Any, Any]:
    return (least, greatest) if known is None else (min(known[0], least), max(known[1], greatest))


def _plain(number: Decimal) -> str:
    return f"{number:f}" if number.is_finite() else str(number)


def _is_short(texts: Pair | set[str]) -> bool:
    return all(len(text) <= MOST_LETTERS for text in texts)
