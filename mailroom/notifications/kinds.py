"""Name the kinds of what users are told, and the routes by which it reaches them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Route(StrEnum):
    """A way in which somebody is told.

    in_app: a row on the page of notifications, counted by the bell. mail: a message to the user's address. webhook: a
    signed request to the address that the operators have set; it reaches no single user.
    """

    IN_APP = "in_app"
    MAIL = "mail"
    WEBHOOK = "webhook"


class Kind(StrEnum):
    """Everything that users are told about. The word is stored, and is part of the contract: it only grows.

    The first ones are those of incidents, under the same words; the others are changes that a user is told in the
    application only, and mails that go out at set times. `other` is what was stored before there were kinds.
    """

    SCHEDULE_FAILING = "schedule_failing"
    OCCURRENCE_MISSED = "occurrence_missed"
    SCHEDULE_SUSPENDED = "schedule_suspended"
    CONNECTION_FAILING = "connection_failing"
    SYNC_STUCK = "sync_stuck"
    PREFECT_SILENT = "prefect_silent"
    WORKER_SILENT = "worker_silent"
    LOOP_DEAD = "loop_dead"
    QUEUE_BEHIND = "queue_behind"
    DISK_LOW = "disk_low"
    CREDENTIAL_ENDING = "credential_ending"
    TRAIL_CONTRADICTED = "trail_contradicted"
    LEVEL_MISSED = "level_missed"
    CLOCK_WRONG = "clock_wrong"
    ARTIFACTS_WRONG = "artifacts_wrong"

    SCHEDULE_RECOVERED = "schedule_recovered"
    SCHEDULE_PAUSED = "schedule_paused"
    SCHEDULE_RESUMED = "schedule_resumed"
    SCHEDULE_CHANGED = "schedule_changed"
    SCHEDULE_DELETED = "schedule_deleted"
    SCHEDULE_RESTORED = "schedule_restored"
    SCHEDULE_REASSIGNED = "schedule_reassigned"
    SCHEDULE_SHARED = "schedule_shared"
    CORRECTION_SENT = "correction_sent"
    RECIPIENT_CHANGED = "recipient_changed"
    CONNECTION_DISABLED = "connection_disabled"
    CONNECTION_ENABLED = "connection_enabled"
    CREDENTIAL_OLD = "credential_old"
    OWNER_BARRED = "owner_barred"

    DAILY_DIGEST = "daily_digest"
    WEEKLY_SUMMARY = "weekly_summary"
    OTHER = "other"


INCIDENTS: frozenset[Kind] = frozenset(tuple(Kind)[: tuple(Kind).index(Kind.SCHEDULE_RECOVERED)])
"""The kinds of incidents. They go by every route."""
MAILS: frozenset[Kind] = frozenset({Kind.DAILY_DIGEST, Kind.WEEKLY_SUMMARY})
"""The mails that go out at set times."""
OPERATORS: frozenset[Kind] = frozenset(
    {
        *(Kind.SYNC_STUCK, Kind.PREFECT_SILENT, Kind.WORKER_SILENT, Kind.LOOP_DEAD, Kind.QUEUE_BEHIND, Kind.DISK_LOW),
        *(Kind.TRAIL_CONTRADICTED, Kind.LEVEL_MISSED, Kind.CLOCK_WRONG, Kind.ARTIFACTS_WRONG, Kind.OWNER_BARRED),
    }
)
"""The kinds that only operators are told about."""
TOLD_AT_ONCE: frozenset[Kind] = frozenset({Kind.SCHEDULE_FAILING, Kind.OCCURRENCE_MISSED, Kind.SCHEDULE_SUSPENDED})
"""The incidents whose owner is told in the application in the transaction of what happened, and so needs no second
notification when the incident is told to others; `schedule_recovered` and `schedule_resumed` tell of their end.
"""


def routes_of(kind: Kind) -> tuple[Route, ...]:
    """Return the routes by which a kind is told."""
    if kind in INCIDENTS:
        return (Route.IN_APP, Route.MAIL, Route.WEBHOOK)
    return (Route.MAIL,) if kind in MAILS else (Route.IN_APP,)


def kind_of(word: str) -> Kind:
    """Return the kind of a word; one that is not known, as from a newer version, is `other`."""
    return _KINDS.get(word, Kind.OTHER)


_KINDS: Mapping[str, Kind] = {kind.value: kind for kind in Kind}
