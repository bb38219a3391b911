"""What operators are told of hosts that do not agree on the time, or on where rendered files lie."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailroom.heartbeats.spec import WRITER, Beat
from mailroom.watching.checks.several import hosts
from mailroom.watching.checks.several.hosts import Here
from mailroom.watching.checks.spec import State
from mailroom.watching.signs.hosts import HOST, RUNS, HostSign, host_name, of_hosts
from mailroom.watching.signs.prefect import PrefectSigns, WorkerSign, by_our_clock

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
STORE = frozenset({"store"})


def _sign(process: str, host: str, *, ago: float = 0, ahead: float = 0, mark: str = "store") -> Beat:
    heard = NOW - timedelta(seconds=ago)
    return Beat(HOST, process, heard, heard, 900.0, {"host": host, "ahead": ahead, "mark": mark})


def _alive(process: str) -> Beat:
    return Beat(WRITER, process, NOW, NOW, 40.0)


def test_living_processes_and_recent_runs_count() -> None:
    beats = [_alive("api a:1"), _sign("api a:1", "a"), _sign("api dead:2", "dead"), _sign(f"{RUNS} b", "b", ago=800)]
    beats += [_sign(f"{RUNS} long-gone", "long-gone", ago=901), _sign(f"{RUNS} a", "a", ago=60, ahead=9)]
    assert of_hosts(beats, NOW) == [HostSign("a", 0, STORE), HostSign("b", 0, STORE)]


def test_one_process_of_a_host_with_another_folder_is_enough() -> None:
    beats = [_alive("api a:1"), _sign("api a:1", "a"), _sign(f"{RUNS} a", "a", ago=60, mark="")]
    (sign,) = of_hosts(beats, NOW)
    assert sign.marks == {"store", ""}
    assert hosts.artifacts([sign], "store").state is State.PROBLEM


def test_this_host_speaks_for_itself() -> None:
    found = hosts.signs_of([_sign(f"{RUNS} {host_name()}", host_name(), ahead=20)], Here(1.0, "store"), NOW)
    assert found == [HostSign(host_name(), 1.0, STORE)]


@pytest.mark.parametrize(
    ("ahead", "state"), [(4.9, State.OK), (-4.9, State.OK), (5.1, State.WARNING), (-30, State.WARNING)]
)
def test_a_clock_that_is_off_by_more_than_five_seconds_is_told(ahead: float, state: State) -> None:
    check = hosts.clocks([HostSign("a", 0, STORE), HostSign("b", ahead, STORE)])
    assert check.state is state
    assert ("b" in check.detail) == (state is State.WARNING)


@pytest.mark.parametrize(
    ("kept", "mark", "state"),
    [
        (None, "", State.OK),
        ("store", "store", State.OK),
        ("store", "", State.PROBLEM),
        ("store", "another", State.PROBLEM),
    ],
)
def test_a_host_without_the_files_of_the_others_is_told(kept: str | None, mark: str, state: State) -> None:
    signs = [HostSign("a", 0, frozenset({kept or ""})), HostSign("b", 0, frozenset({mark}))]
    assert hosts.artifacts(signs, kept).state is state


@pytest.mark.parametrize("skew", [-30.0, 30.0])
def test_what_prefect_stamps_is_readby_our_clock(skew: float) -> None:
    by_prefect = NOW + timedelta(seconds=skew)
    signs = PrefectSigns(version="3", skew=skew, workers=(WorkerSign(name="w", heard_at=by_prefect, interval=10),))
    assert by_our_clock(signs).workers[0].heard_at == NOW
    assert by_our_clock(signs.model_copy(update={"skew": 1.0})).workers[0].heard_at == by_prefect
