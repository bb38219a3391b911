"""Decide whom an incident has reached, and when it goes further: owner, then team, then operators. Pure.

An incident begins with its owner. It goes to the owner's team, and then to the operators, when it has lasted for the
time or failed as often in a row as the settings say. A critical one begins with its owner and the operators at once,
and so does one that concerns nobody in particular with the operators. What a person has acknowledged goes no further,
and neither does what is muted, until the mute ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailroom.incidents.spec import Level, Severity
from mailroom.setting_groups.incidents import IncidentSettings

ORDER = (Level.OWNER, Level.TEAM, Level.OPERATOR)


@dataclass(frozen=True, slots=True)
class Course:
    """Hold what decides about how far an incident has gone.

    Attributes:
        since: when it is, or was, told at the earliest, from which on its time counts.
        concerns: whether it concerns users, its owner or the owners of the schedules that it covers.
        failures: how often in a row it has happened.
        quiet: whether a person has acknowledged it or muted it for now, or another incident covers it.
    """

    level: Level
    severity: Severity
    since: datetime
    concerns: bool
    failures: int = 1
    quiet: bool = False


def first_level(severity: Severity, *, concerns: bool) -> Level:
    """Return the level at which an incident begins."""
    return Level.OPERATOR if severity is Severity.CRITICAL or not concerns else Level.OWNER


def decide(course: Course, settings: IncidentSettings, *, now: datetime) -> tuple[Level, datetime | None]:
    """Return the level of an incident now, and when it goes to the next one by time; None: not by time alone.

    A level never goes back.
    """
    level = max(course.level, first_level(course.severity, concerns=course.concerns), key=ORDER.index)
    if course.severity is Severity.WARNING:
        return course.level, None
    if course.quiet:
        return level, None
    steps = (
        (Level.TEAM, settings.team_after_failures, timedelta(minutes=settings.team_after_minutes)),
        (Level.OPERATOR, settings.operator_after_failures, timedelta(minutes=settings.operator_after_minutes)),
    )
    for following, failures, after in steps:
        if ORDER.index(following) <= ORDER.index(level):
            continue
        if course.failures < failures and now < course.since + after:
            return level, course.since + after
        level = following
    return level, None


def reached(level: Level, severity: Severity, *, concerns: bool) -> tuple[Level, ...]:
    """Return everybody whom an incident of this level has reached; a critical one does not go by the team."""
    if not concerns:
        return (Level.OPERATOR,)
    if severity is Severity.CRITICAL:
        return (Level.OWNER, Level.OPERATOR)
    return ORDER[: ORDER.index(level) + 1]


def newly_reached(told: Level | None, level: Level, severity: Severity, *, concerns: bool) -> tuple[Level, ...]:
    """Return whom an incident has reached since it was told to the level `told`; None: it was not told yet."""
    everybody = reached(level, severity, concerns=concerns)
    if told is None:
        return everybody
    return tuple(one for one in everybody if ORDER.index(one) > ORDER.index(told))
