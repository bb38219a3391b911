"""Decide what is written of one incident: when it opens, and at each look at which it stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from mailroom.incidents import escalation
from mailroom.incidents.covering import schedules_of
from mailroom.incidents.escalation import Course
from mailroom.incidents.spec import IncidentKind, Level, Severity, Trouble
from mailroom.setting_groups.incidents import IncidentSettings
from mailroom.storage.model.upkeep.incidents import Incident

TOUCHED_EVERY = timedelta(minutes=1)
"""Write this often that an incident is still seen, where nothing else of it changes."""

WAITED_FOR = frozenset({IncidentKind.PREFECT_SILENT, IncidentKind.WORKER_SILENT, IncidentKind.LOOP_DEAD})
"""These kinds were waited for already, and are told with nothing else, so they are told as soon as they are known."""


def opened(
    trouble: Trouble, settings: IncidentSettings, *, cover: str | None, flaps: bool, now: datetime
) -> dict[str, Any]:
    """Return the columns of a new incident, without its id.

    Args:
        cover: the id of the incident that covers it.
        flaps: whether it was over only a short time ago.
    """
    held = 0.0 if trouble.kind in WAITED_FOR else settings.tell_after_seconds
    tell_at = now + timedelta(seconds=held)
    concerns = trouble.owner_id is not None or bool(schedules_of(trouble))
    course = Course(
        level=escalation.first_level(trouble.severity, concerns=concerns),
        severity=trouble.severity,
        since=tell_at,
        concerns=concerns,
        failures=_failures(trouble.values),
        quiet=cover is not None,
    )
    level, next_level_at = escalation.decide(course, settings, now=now)
    return {
        "kind": str(trouble.kind),
        "subject": trouble.subject,
        "severity": str(trouble.severity),
        "values": dict(trouble.values),
        "owner_id": trouble.owner_id,
        "opened_at": now,
        "last_seen_at": now,
        "seen": 1,
        "merged_into": cover,
        "level": str(level),
        "next_level_at": next_level_at,
        "tell_at": tell_at,
        "flaps": flaps,
    }


def changed(
    row: Incident,
    trouble: Trouble | None,
    settings: IncidentSettings,
    *,
    cover: str | None,
    cover_was_told: bool,
    now: datetime,
) -> dict[str, Any]:
    """Return the columns of an incident that stands which change; none while it stands as it did.

    Args:
        trouble: how it was found; None where it stands though it was not found.
        cover: the id of the incident that covers it now.
        cover_was_told: whether the one that has covered it until now was told.
    """
    tell_at = _tell_at(row, trouble, settings, cover, cover_was_told, now)
    after: dict[str, Any] = {"merged_into": cover, "tell_at": tell_at}
    if trouble is not None:
        after |= {"severity": str(trouble.severity), "values": dict(trouble.values), "owner_id": trouble.owner_id}
    course = Course(
        level=Level(row.level),
        severity=Severity(after.get("severity", row.severity)),
        since=tell_at or now,
        concerns=_concerns(row, trouble),
        failures=_failures(after.get("values", row.values)),
        quiet=cover is not None or tell_at is None or is_quiet(row, now),
    )
    level, next_level_at = escalation.decide(course, settings, now=now)
    after |= {"level": str(level), "next_level_at": next_level_at}
    columns = {name: value for name, value in after.items() if getattr(row, name) != value}
    if trouble is not None and (columns or row.last_seen_at <= now - TOUCHED_EVERY):
        columns |= {"last_seen_at": max(row.last_seen_at, now), "seen": row.seen + 1}
    return columns


def is_quiet(row: Incident, now: datetime) -> bool:
    """Tell whether a person has acknowledged an incident, or muted it for now."""
    return row.acknowledged_at is not None or (row.muted_until is not None and row.muted_until > now)


def _tell_at(
    row: Incident,
    trouble: Trouble | None,
    settings: IncidentSettings,
    cover: str | None,
    cover_was_told: bool,
    now: datetime,
) -> datetime | None:
    """Return when an incident may be told.

    One that was covered becomes its own when its cover is over. A schedule whose failure was told with its cover is
    not told again for that failure: it is told when it fails anew.
    """
    held = now + timedelta(seconds=settings.tell_after_seconds)
    if row.merged_into is not None and cover is None:
        was_told = cover_was_told and row.kind == IncidentKind.SCHEDULE_FAILING
        return None if was_told else held
    if row.tell_at is None and trouble is not None and _execution(trouble.values) != _execution(row.values):
        return held
    return row.tell_at


def _execution(values: Mapping[str, Any]) -> Any:
    return values.get("execution_id")


def _concerns(row: Incident, trouble: Trouble | None) -> bool:
    """Tell whether an incident concerns users; one that has begun with its owner does."""
    if trouble is None:
        return row.owner_id is not None or row.level != Level.OPERATOR
    return trouble.owner_id is not None or bool(schedules_of(trouble))


def _failures(values: Mapping[str, Any]) -> int:
    found = values.get("failures", 1)
    return found if isinstance(found, int) else 1
