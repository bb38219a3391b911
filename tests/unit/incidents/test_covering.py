"""What follows from something else is told with it, and by itself when that is over and it still lasts."""

from __future__ import annotations

from mailroom.incidents.covering import EVERY_SCHEDULE, covers
from mailroom.incidents.spec import IncidentKind, Severity, Trouble
from tests.unit.incidents.diary import HOUR, MINUTE, NOW, SECOND, SETTINGS, Diary, broken, failing

K = IncidentKind
SCHEDULES = [f"s{number}" for number in range(500)]


def suspended(schedule: str = "s1") -> Trouble:
    return Trouble(K.SCHEDULE_SUSPENDED, schedule, values={"schedule": "Weekly sales"}, owner_id="ada")


def test_500_schedules_that_fail_through_one_connection_are_told_as_one() -> None:
    diary = Diary()
    diary.look(broken(*SCHEDULES), *(failing(one) for one in SCHEDULES), at=NOW)
    (alone,) = [row for row in diary.open if row.merged_into is None]
    assert (alone.kind, alone.subject, alone.level) == (K.CONNECTION_FAILING, "bank", "operator")
    assert diary.schedules[alone.id] == frozenset(SCHEDULES)


def test_what_opened_before_its_cover_is_merged_before_it_is_told() -> None:
    diary = Diary()
    diary.look(failing("s1"), failing("s2"), at=NOW)
    diary.look(failing("s1"), failing("s2"), failing("s3"), broken("s1", "s2", "s3"), at=NOW + 10 * SECOND)
    cover = diary.one(K.CONNECTION_FAILING)
    assert {row.merged_into for row in diary.open} == {cover.id, None}
    assert all(row.tell_at and row.tell_at > NOW + 10 * SECOND for row in diary.open)


def test_what_still_lasts_when_its_cover_is_over_is_told_by_itself() -> None:
    diary = Diary()
    diary.look(broken("s1", "s2"), suspended(), at=NOW)
    diary.one(K.CONNECTION_FAILING).told_level = "operator"
    diary.look(suspended(), at=NOW + HOUR)
    left = diary.one(K.SCHEDULE_SUSPENDED)
    assert left.merged_into is None
    assert left.tell_at == NOW + HOUR + SETTINGS.tell_after_seconds * SECOND
    assert left.level == "owner", "its time begins anew"


def test_a_failure_that_was_told_with_its_connection_is_told_again_only_when_it_fails_anew() -> None:
    diary = Diary()
    diary.look(broken("s1", "s2"), failing("s1"), at=NOW)
    diary.one(K.CONNECTION_FAILING).told_level = "operator"
    diary.look(failing("s1"), at=NOW + HOUR)
    left = diary.one()
    assert (left.merged_into, left.tell_at, left.next_level_at) == (None, None, None)
    diary.look(failing("s1"), at=NOW + 20 * HOUR)
    assert (diary.one().tell_at, diary.one().level) == (None, "owner")
    diary.look(failing("s1", run="e2"), at=NOW + 21 * HOUR)
    assert diary.one().tell_at is not None


def test_a_failure_whose_connection_was_never_told_is_told_by_itself() -> None:
    diary = Diary()
    diary.look(broken("s1", "s2"), failing("s1"), at=NOW)
    diary.look(failing("s1"), at=NOW + 10 * SECOND)
    assert diary.one().tell_at is not None


def test_a_suspended_schedule_covers_its_failure_and_a_connection_covers_both() -> None:
    (cover,) = set(covers([suspended(), failing("s1")]).values())
    assert cover == (K.SCHEDULE_SUSPENDED, "s1")
    found = covers([suspended(), failing("s1"), broken("s1", "s2")])
    assert set(found.values()) == {(K.CONNECTION_FAILING, "bank")}
    assert len(found) == 2


def test_many_changes_that_are_stuck_are_one() -> None:
    stuck = [Trouble(K.SYNC_STUCK, one, Severity.CRITICAL) for one in ("s1", "s2")]
    many = Trouble(K.SYNC_STUCK, EVERY_SCHEDULE, Severity.CRITICAL, schedule_ids=frozenset({"s1", "s2"}))
    assert covers(stuck) == {}
    assert covers([*stuck, many]) == {
        (K.SYNC_STUCK, "s1"): (K.SYNC_STUCK, EVERY_SCHEDULE),
        (K.SYNC_STUCK, "s2"): (K.SYNC_STUCK, EVERY_SCHEDULE),
    }


def test_a_schedule_of_its_own_is_not_covered_by_a_connection_of_others() -> None:
    diary = Diary()
    diary.look(broken("s1", "s2"), failing("s3"), at=NOW)
    assert diary.one(K.SCHEDULE_FAILING, "s3").merged_into is None
    assert diary.look(broken("s1", "s2"), failing("s3"), at=NOW + MINUTE).opens == []


def test_what_is_silent_was_waited_for_and_is_told_at_once() -> None:
    diary = Diary()
    worker = Trouble(K.WORKER_SILENT, "mailroom", Severity.CRITICAL)
    disk = Trouble(K.DISK_LOW, "one", Severity.CRITICAL)
    diary.look(worker, disk, failing(), at=NOW)
    held = NOW + SETTINGS.tell_after_seconds * SECOND
    told = (diary.one(K.WORKER_SILENT).tell_at, diary.one(K.DISK_LOW).tell_at, diary.one().tell_at)
    assert told == (NOW, held, held)
