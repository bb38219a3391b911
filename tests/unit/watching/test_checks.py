"""What each check concludes from what is known, and where it changes its mind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailroom.heartbeats.spec import UPKEEP, WORKERS, WRITER, Beat
from mailroom.settings import Settings
from mailroom.states import BreakerState
from mailroom.stops.spec import StopCause, StopScope
from mailroom.storage.migrations import Fit
from mailroom.storage.stop_tables import Stop
from mailroom.watching.checks import background, database, disk, mail, prefect, queue, scheduler, sending, worker
from mailroom.watching.checks.mail import MailConnection
from mailroom.watching.checks.spec import State
from mailroom.watching.signs.prefect import PrefectSigns, WorkerSign
from mailroom.watching.signs.written import PREFECT, SeenOfPrefect, of_prefect, read_prefect

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SETTINGS = Settings()
SILENT = PrefectSigns(error="ConnectError")


def _ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def test_the_database() -> None:
    assert database.judge(Fit.CURRENT, dialect="sqlite").state is State.OK
    assert database.judge(Fit.OLDER).state is State.PROBLEM
    assert database.judge(error="TimeoutError").state is State.PROBLEM


def test_prefect_of_another_version_is_a_problem() -> None:
    assert prefect.answering(PrefectSigns(version="3.8.8"), "3.8.8", None).state is State.OK
    assert prefect.answering(PrefectSigns(version="3.8.7"), "3.8.8", None).state is State.PROBLEM
    silent = prefect.answering(SILENT, "3.8.8", _ago(60))
    assert (silent.state, silent.since) == (State.PROBLEM, _ago(60))


@pytest.mark.parametrize(
    ("skew", "state"), [(5.0, "ok"), (-5.0, "ok"), (5.1, "problem"), (-3600.0, "problem"), (None, "warning")]
)
def test_clocks_that_differ(skew: float | None, state: str) -> None:
    assert prefect.clock(PrefectSigns(version="3", skew=skew)).state == state
    assert prefect.clock(SILENT).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("ahead", "made_ago", "paused", "state"),
    [
        (180, None, False, "ok"),
        (179, None, False, "problem"),
        (None, 121, False, "problem"),
        (None, 119, False, "unknown"),
        (None, None, False, "unknown"),
        (None, 9000, True, "warning"),
    ],
)
def test_the_scheduler_plans_ahead(ahead: int | None, made_ago: int | None, paused: bool, state: str) -> None:
    signs = PrefectSigns(
        planned_until=None if ahead is None else NOW + timedelta(seconds=ahead),
        upkeep_made_at=None if made_ago is None else _ago(made_ago),
        is_upkeep_paused=paused,
    )
    assert scheduler.judge(signs, NOW).state == state
    assert scheduler.judge(SILENT, NOW).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("age", "interval", "state"), [(10, 30, "ok"), (95, 30, "ok"), (96, 30, "problem"), (36, 10, "problem")]
)
def test_a_worker_that_is_silent_is_offline(age: int, interval: int, state: str) -> None:
    heard = WorkerSign(name="w", heard_at=_ago(age), interval=interval)
    check = worker.judge(PrefectSigns(workers=(heard,)), SETTINGS, NOW)
    assert check.state == state
    assert check.since == (_ago(age) if state == "problem" else None)


def test_a_worker_that_was_silent_is_back_when_it_was_heard_just_now() -> None:
    signs = PrefectSigns(workers=(WorkerSign(name="w", heard_at=_ago(60), interval=30),))
    assert worker.judge(signs, SETTINGS, NOW).state is State.OK
    assert worker.judge(signs, SETTINGS, NOW, was_silent=True).state is State.PROBLEM
    patient = SETTINGS.model_copy(update={"worker_silent_seconds": 200.0})
    assert worker.judge(signs, patient, NOW, was_silent=True).state is State.OK


def test_no_worker_is_a_problem_and_a_silent_prefect_tells_nothing_of_workers() -> None:
    assert worker.judge(PrefectSigns(), SETTINGS, NOW).state is State.PROBLEM
    assert worker.judge(SILENT, SETTINGS, NOW).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("due", "waiting", "was_behind", "state"),
    [
        (None, None, False, "ok"),
        (300, None, False, "ok"),
        (301, None, False, "problem"),
        (10, 301, False, "problem"),
        (151, None, True, "problem"),
        (149, None, True, "ok"),
    ],
)
def test_the_queue(due: int | None, waiting: int | None, was_behind: bool, state: str) -> None:
    oldest, in_prefect = (None if one is None else _ago(one) for one in (due, waiting))
    assert queue.judge(oldest, in_prefect, SETTINGS, NOW, was_behind=was_behind).state == state


@pytest.mark.parametrize(
    ("free", "was_low", "state"),
    [
        (199, False, "problem"),
        (200, False, "warning"),
        (999, False, "warning"),
        (1000, False, "ok"),
        (1099, True, "warning"),
        (1100, True, "ok"),
    ],
)
def test_disk(free: int, was_low: bool, state: str) -> None:
    assert disk.judge(free, SETTINGS, was_low=was_low).state == state


@pytest.mark.parametrize(
    ("is_ok", "breaker", "state"),
    [
        (None, None, "ok"),
        (True, BreakerState.CLOSED, "ok"),
        (False, None, "warning"),
        (True, BreakerState.OPEN, "problem"),
        (True, BreakerState.DISABLED, "problem"),
    ],
)
def test_mail(is_ok: bool | None, breaker: BreakerState | None, state: str) -> None:
    check = mail.judge([MailConnection("corp", is_ok, NOW, breaker, NOW)])
    assert check.state == state
    assert "corp" not in check.message, "everybody may read it"
    assert mail.judge([]).state is State.OK


def test_what_is_stopped_is_a_warning() -> None:
    part = Stop(scope=StopScope.CONNECTION, target="bank", cause=StopCause.PERSON, stopped_at=NOW)
    everything = Stop(scope=StopScope.ALL, target="", cause=StopCause.RESTORED, stopped_at=NOW)
    assert sending.judge([]).state is State.OK
    assert sending.judge([part]).state is State.WARNING
    assert "restored" in sending.judge([part, everything]).message


def test_the_background() -> None:
    well = Beat(WRITER, "api one:1", _ago(900), _ago(5), 40)
    late = Beat("watchdog", "api one:1", _ago(900), _ago(400), 300)
    sign = Beat(PREFECT, "api one:1", _ago(900), _ago(400), 0)
    assert background.judge([], NOW).state is State.UNKNOWN
    assert background.judge([well, sign], NOW).state is State.OK
    check = background.judge([well, late], NOW)
    assert (check.state, check.since, check.detail) == (State.PROBLEM, _ago(400), "watchdog of api one:1")
    assert "one:1" not in check.message, "everybody may read it"


BUSY = PrefectSigns(version="3.8.8", busy="TimeoutError")


def test_a_busy_prefect_answers_and_nothing_more_is_known() -> None:
    assert prefect.answering(BUSY, "3.8.8", None).state is State.WARNING
    assert {worker.judge(BUSY, SETTINGS, NOW).state, scheduler.judge(BUSY, NOW).state} == {State.UNKNOWN}
    for heard, silent in ((120, False), (121, True)):
        seen = SeenOfPrefect(BUSY, _ago(heard), _ago(900), None, _ago(900))
        assert prefect.is_silent(seen, SETTINGS, NOW, was_silent=False) is silent


def _seen(*, heard: float | None, asked: float = 900, steady: float | None = None) -> SeenOfPrefect:
    return SeenOfPrefect(
        PrefectSigns(),
        None if heard is None else _ago(heard),
        _ago(asked),
        None if steady is None else _ago(steady),
        _ago(asked),
    )


@pytest.mark.parametrize(
    ("seen", "was_silent", "silent"),
    [
        (_seen(heard=30), False, False),
        (_seen(heard=31), False, True),
        (_seen(heard=None, asked=30), False, False),
        (_seen(heard=None, asked=31), False, True),
        (_seen(heard=1, steady=14), True, True),
        (_seen(heard=1, steady=15), True, False),
        (_seen(heard=16, steady=60), True, True),
    ],
)
def test_prefect_is_silent_after_a_while_and_back_when_it_answers_steadily(
    seen: SeenOfPrefect, was_silent: bool, silent: bool
) -> None:
    assert prefect.is_silent(seen, SETTINGS, NOW, was_silent=was_silent) is silent


def _signs(process: str, *answers: tuple[float, PrefectSigns]) -> Beat:
    found = None
    for ago, signs in answers:
        found = of_prefect(signs, found, process=process, began_at=_ago(900), now=_ago(ago))
    assert found is not None
    return found


def test_what_processes_see_of_prefect_is_read_together() -> None:
    answer = PrefectSigns(version="3.8.8")
    alive = [Beat(WRITER, process, _ago(900), _ago(1), 40) for process in ("api a:1", "api b:2")]
    deaf = _signs("api a:1", (30, answer), (20, SILENT), (10, SILENT))
    assert (deaf.last_success, deaf.detail["answered"]) == (_ago(30), True)
    alone = read_prefect([*alive, deaf], NOW)
    assert alone is not None
    assert (alone.heard_at, alone.signs.answers, alone.steady_since) == (_ago(30), False, None)

    hears = _signs("api b:2", (40, answer), (12, answer))
    together = read_prefect([*alive, deaf, hears], NOW)
    assert together is not None
    assert (together.heard_at, together.signs.answers, together.steady_since) == (_ago(12), True, _ago(40))

    never = read_prefect([*alive, _signs("api a:1", (20, SILENT), (10, SILENT))], NOW)
    assert never is not None
    assert (never.heard_at, never.asked_since) == (None, _ago(900))
    assert read_prefect([hears], NOW) is None, "a process that does not live tells nothing"


def test_the_upkeep_which_asks_once_a_minute_does_not_tell_that_prefect_answers_steadily() -> None:
    answer = PrefectSigns(version="3.8.8")
    alive = [Beat(WRITER, "api a:1", _ago(900), _ago(1), 40), Beat(UPKEEP, WORKERS, _ago(900), _ago(1), 240)]
    deaf, upkeep = _signs("api a:1", (60, answer), (9, SILENT)), _signs(WORKERS, (120, answer), (1, answer))
    seen = read_prefect([*alive, deaf, upkeep], NOW)
    assert seen is not None
    assert (seen.heard_at, seen.steady_since) == (_ago(1), None)
    alone = read_prefect([*alive, upkeep], NOW)
    assert alone is not None
    assert alone.steady_since == _ago(120)


def test_what_only_the_upkeep_has_heard_says_nothing_of_the_time_since() -> None:
    upkeep = [Beat(UPKEEP, WORKERS, _ago(900), _ago(50), 240), _signs(WORKERS, (50, PrefectSigns(version="3.8.8")))]

    def silent(*more: Beat) -> bool:
        seen = read_prefect([*upkeep, *more], NOW)
        assert seen is not None
        return prefect.is_silent(seen, SETTINGS, NOW, was_silent=False)

    assert not silent(), "an API process starts, and has not asked yet"
    for began, expected in ((30, False), (31, True)):
        deaf = of_prefect(SILENT, None, process="api a:1", began_at=_ago(began), now=_ago(1))
        assert silent(Beat(WRITER, "api a:1", _ago(began), _ago(1), 40), deaf) is expected
