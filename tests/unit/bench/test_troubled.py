"""The parts of the troubled hour that decide: the oracle, the script of the mail server, the stall, the result."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from bench.troubled import evidence, options, prefect_proxy, result, scenario, work
from bench.troubled.accounts.compare import Comparison
from bench.troubled.checker import Verdict
from bench.troubled.evidence import Posted
from bench.troubled.oracle import due_times
from bench.troubled.script import STORES, Script, address, file_name, hook, is_refused, object_name
from bench.troubled.stall import longest_stall
from bench.troubled.stores import objects
from bench.troubled.stores.objects import place
from bench.troubled.troubles import Trouble
from mailroom.timing import Timing, occurrences

EQUAL = Comparison({"something": 1})
DUE = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)  # Still Sunday in New York.


@pytest.mark.parametrize("number", range(3))
def test_the_oracle_finds_the_moment_at_which_a_schedule_was_made_to_be_due(number: int) -> None:
    timing = work.timing(number, DUE)
    assert due_times(timing, DUE - timedelta(minutes=5), DUE + timedelta(hours=1)) == [DUE]
    assert due_times(timing, DUE, DUE + timedelta(hours=1)) == []


@pytest.mark.parametrize("number", range(3))
def test_oracle_and_calculator_agree(number: int) -> None:
    words = work.timing(number, DUE)
    timing: Timing = TypeAdapter[Timing](Timing).validate_python(words)
    until = DUE + timedelta(days=20)
    assert due_times(words, DUE, until) == list(occurrences(timing, DUE, until=until))


def test_no_recipient_belongs_to_two_schedules() -> None:
    bodies = [work.schedule(number, 3, DUE) for number in range(20)]
    everybody = [to for body in bodies for to in body["destinations"][0]["to"]]
    assert everybody == [address(number) for number in range(1, 61)]
    assert {body["report_id"] for body in bodies} == {report["id"] for report in work.reports(20)}


def test_the_script_troubles_every_so_many() -> None:
    script = Script()
    assert [number for number in range(1, 40) if script.turns_away()] == [13, 26, 39]
    assert [number for number in range(1, 23) if is_refused(address(number))] == [11, 22]
    assert [number for number in range(1, 11) if script.greylists(address(number))] == [5, 10]
    assert not script.greylists(address(5)), "only once"
    assert [number for number in range(1, 15) if script.cuts(address(1))] == [7, 14]
    assert [number for number in range(1, 20) if script.hangs(address(1))] == [9, 18]


def test_a_merciful_script_troubles_nobody_twice() -> None:
    script = Script(merciful=True)
    assert script.greylists(address(5))
    assert [number for number in range(1, 15) if script.cuts(address(5))] == []
    assert [number for number in (6, 7, 8) if script.cuts(address(number))] == [6, 7], "those two that were owed"
    assert not script.may_trouble(address(5))
    assert script.may_trouble(address(8))


@pytest.mark.parametrize(
    ("due", "accepted", "longest"),
    [
        ([True] * 11, [0, 5, 6], 5),
        ([True] * 11, [], 10),
        ([False] * 11, [], 0),
        ([True] * 3 + [False] * 6 + [True] * 2, [], 3),
        ([True] * 11, [2.5, 9.5], 7),
    ],
)
def test_only_gaps_in_which_something_was_due_are_stalls(
    due: list[bool], accepted: list[float], longest: float
) -> None:
    looks = [(float(moment), one) for moment, one in enumerate(due)]
    assert longest_stall(looks, accepted) == longest


def test_a_run_in_which_a_trouble_did_not_come_proves_nothing() -> None:
    came, never = Trouble(0.1, lambda: "it came"), Trouble(0.9, lambda: "it came")
    came.begin()
    assert came.thread is not None
    came.thread.join()
    assert scenario.figures(Verdict(), [came], [], [], DUE, EQUAL)["good"]
    assert not scenario.figures(Verdict(), [came, never], [], [], DUE, EQUAL)["good"]


def test_a_trouble_that_could_not_be_made_is_a_fault() -> None:
    def fails() -> str:
        raise RuntimeError("there is no child")

    trouble = Trouble(0.1, fails)
    trouble.begin()
    assert trouble.thread is not None
    trouble.thread.join()
    assert "there is no child" in scenario.figures(Verdict(), [trouble], [], [], DUE, EQUAL)["faults"][0]


def test_file_and_table_have_every_figure(tmp_path: Path) -> None:
    found = {"sqlite": scenario.figures(Verdict(faults=["One is lost."]), [], [], [DUE.timestamp() + 7], DUE, EQUAL)}
    result.write(found, tmp_path / "troubled.json")
    (written,) = json.loads((tmp_path / "troubled.json").read_text()).values()
    assert set(result.FIGURES) <= set(written)
    assert written["seconds"] == 7
    shown = "\n".join(result.lines(found))
    assert "One is lost." in shown
    assert all(name in shown for name in result.FIGURES)


def test_times_of_both_databases_become_aware() -> None:
    assert evidence.moment("2026-11-23 02:30:00.000000") == DUE
    assert evidence.moment(DUE) == DUE
    assert evidence.moment(None) is None


@pytest.mark.parametrize("wrong", [{"BACKEND": "oracle"}, {"N": "0"}, {"N": "many"}])
def test_wrong_options_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(SystemExit):
        options.read(wrong)


def test_both_databases_are_the_default() -> None:
    assert options.read({}).backends == ("sqlite", "postgres")
    assert options.read({"BACKEND": "postgres", "N": "12"}) == options.Options(n=12, backends=("postgres",))


def test_the_proxy_reads_heads_and_asks_for_an_end() -> None:
    head = b"POST /api HTTP/1.1\r\nHost: here\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n"
    assert prefect_proxy.fields(head)["content-length"] == "2"
    closed = prefect_proxy.closing(head)
    assert closed.endswith(b"\r\nconnection: close\r\n\r\n")
    assert b"keep-alive" not in closed


def test_objects_are_judged_by_their_content() -> None:
    def told(content: bytes) -> tuple[bytes, str]:
        return content, hashlib.sha256(content).hexdigest()

    posted = [Posted(f"s{number}", {}, (object_name(number), hook(number)), DUE) for number in (1, 2, 11)]
    files = {file_name(number): b"rows" for number in (1, 2, 11)}
    good = {place(number): told(b"rows") for number in (1, 2)}
    assert objects.faults(posted, good, files) == []
    wrong: list[dict[str, tuple[bytes, str]]] = [
        {place(1): told(b"rows")},
        {**good, place(2): (b"ro", told(b"rows")[1])},
        {**good, place(2): told(b"others")},
        {**good, place(11): told(b"rows")},
        {**good, f"{STORES[2]}/r2-1.stored": told(b"rows")},
        {place(1): told(b"rows"), f"{STORES[0]}/r2.stored": told(b"rows")},
    ]
    assert all(objects.faults(posted, found, files) for found in wrong)
