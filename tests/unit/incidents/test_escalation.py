"""Owner, then team, then operators: by failures or by time, and not past somebody who has taken note of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from mailroom.incidents.escalation import Course, decide, first_level, newly_reached, reached
from mailroom.incidents.spec import Level, Severity
from mailroom.setting_groups.incidents import IncidentSettings
from tests.unit.incidents.diary import HOUR, MINUTE, NOW, SECOND, SETTINGS, Diary, broken, failing

TEAM_AFTER = timedelta(minutes=SETTINGS.team_after_minutes)
OPERATOR_AFTER = timedelta(minutes=SETTINGS.operator_after_minutes)


def level(**changes: Any) -> tuple[Level, datetime | None]:
    """Return how far an incident of the owner's has gone."""
    at = changes.pop("at", NOW)
    course: dict[str, Any] = {"level": Level.OWNER, "severity": Severity.ERROR, "since": NOW, "concerns": True}
    return decide(Course(**{**course, **changes}), SETTINGS, now=at)


def test_by_time() -> None:
    assert level(at=NOW + TEAM_AFTER - SECOND) == (Level.OWNER, NOW + TEAM_AFTER)
    assert level(at=NOW + TEAM_AFTER) == (Level.TEAM, NOW + OPERATOR_AFTER)
    assert level(at=NOW + OPERATOR_AFTER) == (Level.OPERATOR, None)


@pytest.mark.parametrize(
    ("failures", "expected"),
    [
        (1, Level.OWNER),
        (SETTINGS.team_after_failures - 1, Level.OWNER),
        (SETTINGS.team_after_failures, Level.TEAM),
        (SETTINGS.operator_after_failures, Level.OPERATOR),
    ],
)
def test_by_failures_in_a_row(failures: int, expected: Level) -> None:
    assert level(failures=failures)[0] is expected


def test_what_somebody_has_taken_note_of_stays_where_it_is() -> None:
    assert level(at=NOW + OPERATOR_AFTER, failures=99, quiet=True) == (Level.OWNER, None)


def test_a_level_never_goes_back() -> None:
    assert level(level=Level.TEAM)[0] is Level.TEAM


def test_a_warning_waits_for_the_digest() -> None:
    assert level(severity=Severity.WARNING, at=NOW + OPERATOR_AFTER) == (Level.OWNER, None)


def test_critical_ones_begin_with_owner_and_operators() -> None:
    assert first_level(Severity.CRITICAL, concerns=True) is Level.OPERATOR
    assert reached(Level.OPERATOR, Severity.CRITICAL, concerns=True) == (Level.OWNER, Level.OPERATOR)
    assert newly_reached(Level.OWNER, Level.OPERATOR, Severity.CRITICAL, concerns=True) == (Level.OPERATOR,)


def test_what_concerns_nobody_is_for_operators() -> None:
    assert first_level(Severity.ERROR, concerns=False) is Level.OPERATOR
    assert reached(Level.OPERATOR, Severity.ERROR, concerns=False) == (Level.OPERATOR,)


def test_each_level_is_told_once() -> None:
    assert newly_reached(None, Level.TEAM, Severity.ERROR, concerns=True) == (Level.OWNER, Level.TEAM)
    assert newly_reached(Level.TEAM, Level.OPERATOR, Severity.ERROR, concerns=True) == (Level.OPERATOR,)
    assert newly_reached(Level.OPERATOR, Level.OPERATOR, Severity.ERROR, concerns=True) == ()


def test_an_incident_goes_further_look_by_look() -> None:
    diary = Diary()
    diary.look(failing(), at=NOW)
    told = diary.one().tell_at
    assert told is not None
    assert diary.one().next_level_at == told + TEAM_AFTER
    diary.look(failing(), at=told + TEAM_AFTER)
    assert diary.one().level == Level.TEAM
    diary.look(failing(failures=SETTINGS.operator_after_failures), at=told + TEAM_AFTER + MINUTE)
    assert diary.one().level == Level.OPERATOR


def test_what_is_covered_or_muted_goes_no_further_until_that_ends() -> None:
    diary = Diary()
    diary.look(failing(), broken("s1", "s2"), at=NOW)
    diary.look(failing(failures=9), broken("s1", "s2"), at=NOW + OPERATOR_AFTER)
    assert diary.one().level == Level.OWNER
    muted = Diary()
    muted.look(failing("s9"), at=NOW)
    muted.one().muted_until = NOW + OPERATOR_AFTER
    muted.look(failing("s9"), at=NOW + TEAM_AFTER + HOUR)
    assert muted.one().level == Level.OWNER
    muted.look(failing("s9"), at=NOW + OPERATOR_AFTER + MINUTE)
    assert muted.one().level == Level.OPERATOR


def test_operators_come_after_the_team() -> None:
    with pytest.raises(ValidationError):
        IncidentSettings(team_after_minutes=60, operator_after_minutes=30)
    with pytest.raises(ValidationError):
        IncidentSettings(team_after_failures=5, operator_after_failures=4)
