"""What opens, stands and is over: one incident of a kind and subject, whatever is seen in between."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mailroom.incidents.diff import FLAPS_WITHIN, SETTLES_AFTER
from mailroom.incidents.spec import IncidentKind, Severity, Trouble
from mailroom.incidents.standing import TOUCHED_EVERY
from tests.unit.incidents.diary import MINUTE, NOW, SECOND, Diary, broken, failing

K = IncidentKind


def test_a_trouble_opens_one_incident_and_ends_with_it() -> None:
    diary = Diary()
    changes = diary.look(failing(), at=NOW)
    assert [(row["kind"], row["subject"], row["level"]) for row in changes.opens] == [
        ("schedule_failing", "s1", "owner")
    ]
    assert changes.schedules == {changes.opens[0]["id"]: frozenset({"s1"})}
    assert not diary.look(failing(), at=NOW + 10 * SECOND), "a look that sees the same writes nothing"
    assert diary.look(at=NOW + 20 * SECOND).resolves == [changes.opens[0]["id"]]
    assert not diary.look(at=NOW + 30 * SECOND)


def test_that_it_is_still_seen_is_written_now_and_then() -> None:
    diary = Diary()
    diary.look(failing(), at=NOW)
    diary.look(failing(), at=NOW + TOUCHED_EVERY)
    assert (diary.one().seen, diary.one().last_seen_at) == (2, NOW + TOUCHED_EVERY)


def test_what_two_finders_see_is_one_incident_of_the_worse_severity() -> None:
    mild, bad = (Trouble(K.DISK_LOW, "disk", severity) for severity in (Severity.WARNING, Severity.CRITICAL))
    diary = Diary()
    diary.look(mild, bad, at=NOW)
    assert diary.one(K.DISK_LOW).severity == Severity.CRITICAL


def test_what_nobody_could_look_for_is_not_over() -> None:
    diary = Diary()
    diary.look(failing(), broken("s1"), at=NOW)
    diary.look(failing(), at=NOW + MINUTE, looked_for={K.SCHEDULE_FAILING})
    assert diary.one(K.CONNECTION_FAILING).resolved_at is None
    assert diary.one().merged_into == diary.one(K.CONNECTION_FAILING).id, "and it covers what it has covered"


def test_an_older_look_of_another_process_ends_nothing_that_was_seen_since() -> None:
    diary = Diary()
    diary.look(failing(), at=NOW)
    assert not diary.look(at=NOW - SECOND).resolves


def test_an_older_look_of_another_process_opens_nothing_that_ended_since() -> None:
    diary = Diary()
    diary.look(failing(), at=NOW)
    diary.look(at=NOW + 20 * SECOND)
    assert not diary.look(failing(), at=NOW + 19 * SECOND)


def test_values_are_kept_up_to_date() -> None:
    diary = Diary()
    diary.look(failing(), at=NOW)
    diary.look(failing(run="e2", failures=2), at=NOW + MINUTE)
    assert diary.one().values["execution_id"] == "e2"


@pytest.mark.parametrize(("away", "flaps"), [(FLAPS_WITHIN - SECOND, True), (FLAPS_WITHIN + SECOND, False)])
def test_what_comes_back_soon_flaps(away: timedelta, flaps: bool) -> None:
    diary = Diary()
    diary.look(failing(), at=NOW)
    diary.look(at=NOW + MINUTE)
    diary.look(failing(), at=NOW + MINUTE + away)
    assert diary.one().flaps is flaps


def test_what_flaps_for_an_hour_is_two_incidents() -> None:
    diary = Diary()
    for minute in range(0, 60, 2):
        diary.look(failing(), at=NOW + minute * MINUTE)
        diary.look(at=NOW + (minute + 1) * MINUTE)
    assert len(diary.rows) == 2
    last_seen = NOW + 58 * MINUTE
    diary.look(at=last_seen + SETTLES_AFTER - SECOND)
    assert diary.open
    diary.look(at=last_seen + SETTLES_AFTER)
    assert not diary.open
