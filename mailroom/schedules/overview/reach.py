"""Count whom a schedule reaches. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from mailroom.errors import Invalid
from mailroom.schedules.spec import ScheduleSpec


@dataclass(frozen=True, slots=True)
class Reach:
    """The people who get mail, each once, the other places by channel, and the formats that go there."""

    people: tuple[str, ...]
    places: tuple[tuple[str, int], ...]
    formats: tuple[str, ...]

    @property
    def total(self) -> int:
        """Return how many people and places there are."""
        return len(self.people) + sum(number for _, number in self.places)


def reach_of(spec: ScheduleSpec) -> Reach:
    """Return whom a run of this schedule reaches; a destination that cannot be read any more reaches nobody."""
    try:
        targets = spec.targets()
    except Invalid:
        return Reach((), (), tuple(spec.formats))
    people: dict[str, str] = {}
    places: Counter[str] = Counter()
    for target in targets:
        if addresses := target.addresses():
            for address in addresses:
                people.setdefault(address.lower(), address)
        else:
            places[target.channel] += len(target.recipients())
    return Reach(tuple(people.values()), tuple(places.items()), tuple(spec.formats))
