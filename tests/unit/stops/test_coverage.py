"""Which stop covers what, and what the witness tells. Pure, apart from one small file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from mailroom.stops import witness
from mailroom.stops.coverage import covers, holding
from mailroom.stops.spec import Place, StopScope
from mailroom.stops.witness import Witness, tells_of_more
from mailroom.storage.stop_tables import LedgerClock, Stop

FACTS = {"schedule_id": "s", "report_id": "r", "connection": "c"}
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def stop(scope: str, target: str = "") -> Stop:
    return Stop(id=f"{scope} {target}", scope=scope, target=target)


@pytest.mark.parametrize(
    ("scope", "target", "expected"),
    [
        ("all", "", True),
        ("connection", "c", True),
        ("connection", "s", False),
        ("report", "r", True),
        ("report", "c", False),
        ("schedule", "s", True),
        ("schedule", "r", False),
    ],
)
def test_a_stop_covers_what_it_names(scope: str, target: str, *, expected: bool) -> None:
    assert covers(stop(scope, target), **FACTS) is expected


def test_an_execution_is_held_as_a_whole_only_where_nothing_of_it_may_leave() -> None:
    facts = {"schedule_id": "s", "report_id": "r"}
    one, both = stop("connection", "c"), [stop("connection", "c"), stop("connection", "d")]
    assert holding([one], **facts, connections=["c", "d"]) is None
    assert holding([one], **facts, connections=["c"]) is one
    assert holding(both, **facts, connections=["c", "d"]) is both[0]
    assert holding([], **facts, connections=["c"]) is None
    assert holding([stop("all")], **facts, connections=["c", "d"]) is not None


@pytest.mark.parametrize(("scope", "target"), [(StopScope.ALL, "x"), (StopScope.REPORT, "")])
def test_a_place_names_a_target_exactly_where_the_scope_has_one(scope: StopScope, target: str) -> None:
    with pytest.raises(ValidationError):
        Place(scope=scope, target=target)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (None, False),
        (Witness("a", 4), False),
        (Witness("a", 5), False),
        (Witness("a", 6), True),
        (Witness("b", 1), True),
    ],
)
def test_the_witness_tells_of_more_only_where_the_ledger_is_older_or_another(
    seen: Witness | None, *, expected: bool
) -> None:
    assert tells_of_more(seen, LedgerClock(id=1, ledger_id="a", ticks=5, ticked_at=NOW)) is expected


def test_the_witness_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "data" / "witness.json"
    assert witness.read(path) is None
    witness.write(path, LedgerClock(id=1, ledger_id="a", ticks=5, ticked_at=NOW))
    witness.write(path, LedgerClock(id=1, ledger_id="a", ticks=6, ticked_at=NOW))
    assert witness.read(path) == Witness("a", 6)
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    path.write_text("{")
    assert witness.read(path) is None
