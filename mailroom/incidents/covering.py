"""Decide which troubles are told with another one, that they follow from. Pure.

500 schedules that fail through one connection are one trouble of the connection. A trouble covers those of the
schedules that it names, as far as their kinds can follow from its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mailroom.incidents.spec import IncidentKind, Trouble

K = IncidentKind
Key = tuple[str, str]
"""The kind and the subject, which say which incident a trouble is."""

EVERY_SCHEDULE = "schedules"
"""The subject of the one trouble that stands in place of many of its kind."""
OF_SCHEDULE = frozenset({K.SCHEDULE_FAILING, K.OCCURRENCE_MISSED, K.SCHEDULE_SUSPENDED, K.SYNC_STUCK})
"""The kinds whose subject is the id of a schedule, or `EVERY_SCHEDULE`."""

_COVERS: Mapping[IncidentKind, frozenset[IncidentKind]] = {
    K.CONNECTION_FAILING: frozenset({K.SCHEDULE_FAILING, K.OCCURRENCE_MISSED, K.SCHEDULE_SUSPENDED}),
    K.SCHEDULE_SUSPENDED: frozenset({K.SCHEDULE_FAILING, K.OCCURRENCE_MISSED}),
    K.SCHEDULE_FAILING: frozenset(),
    K.OCCURRENCE_MISSED: frozenset(),
    K.SYNC_STUCK: frozenset({K.SYNC_STUCK}),
}
_USUALLY = frozenset({K.SCHEDULE_FAILING, K.OCCURRENCE_MISSED})
"""Every other kind covers these, where it names schedules."""


def key_of(trouble: Trouble) -> Key:
    """Return what says which incident a trouble is."""
    return (str(trouble.kind), trouble.subject)


def schedules_of(trouble: Trouble) -> frozenset[str]:
    """Return the ids of the schedules that a trouble is about or covers."""
    is_one = trouble.kind in OF_SCHEDULE and trouble.subject != EVERY_SCHEDULE
    return trouble.schedule_ids | ({trouble.subject} if is_one else frozenset())


def covers(troubles: Iterable[Trouble]) -> dict[Key, Key]:
    """Return the cover of each trouble that has one: of several the one that covers most schedules."""
    every = sorted(troubles, key=lambda one: (-len(schedules_of(one)), key_of(one)))
    first: dict[Key, Key] = {}
    for cover in every:
        for kind in _COVERS.get(cover.kind, _USUALLY):
            for schedule_id in schedules_of(cover):
                if (str(kind), schedule_id) != key_of(cover):
                    first.setdefault((str(kind), schedule_id), key_of(cover))
    return {key: first[key] for one in every if (key := key_of(one)) in first}
