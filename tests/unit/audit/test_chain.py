"""Entries are written in one way, and no name steers a terminal or forges a line with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from mailroom.audit.differences import LONGEST, differences
from mailroom.audit.sealing.chain import beginning, canonical, entry_of, link
from mailroom.storage.tables import AuditEvent

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
HOSTILE = 'Sales\r\n{"forged": true}\x1b[2J\x9b2K\u2028\u2029\u202e'


def _event(**columns: object) -> AuditEvent:
    values = {"id": "e-1", "at": AT, "actor": "ada", "action": "created", "entity_type": "schedule", "entity_id": "s"}
    return AuditEvent(**{**values, "detail": {}, **columns})


def test_security_22_a_name_makes_no_line_of_an_export() -> None:
    line = canonical(entry_of(_event(detail={"name": HOSTILE}, actor=HOSTILE)))
    assert line.isascii()
    assert all(byte >= 0x20 for byte in line)
    assert json.loads(line)["detail"]["name"] == HOSTILE


def test_the_same_moment_is_the_same_entry() -> None:
    berlin = AT.astimezone(timezone(timedelta(hours=1)))
    assert canonical(entry_of(_event(at=berlin))) == canonical(entry_of(_event()))


@pytest.mark.parametrize(
    "changed",
    [
        {"actor": "bob"},
        {"at": AT + timedelta(microseconds=1)},
        {"on_behalf_of": "bob"},
        {"action": "deleted"},
        {"entity_type": "report"},
        {"entity_id": "t"},
        {"detail": {"a": 1}},
        {"address": "192.0.2.7"},
        {"login": "key mrk_1"},
        {"id": "e-2"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_every_column_counts(changed: dict[str, object]) -> None:
    start = beginning("trail")
    assert link(start, 1, entry_of(_event(**changed))) != link(start, 1, entry_of(_event()))


def test_place_and_predecessor_count() -> None:
    entry = entry_of(_event())
    assert len({link(beginning(trail), place, entry) for trail in ("a", "b") for place in (1, 2)}) == 4


def test_a_long_part_is_kept_as_its_digest() -> None:
    found = differences({"title": "A", "gone": 1, "same": 2}, {"title": "x" * LONGEST, "same": 2, "new": [1]})
    assert found["gone"] == [1, None]
    assert found["new"] == [None, [1]]
    assert set(found) == {"title", "gone", "new"}
    assert found["title"][0] == "A"
    assert found["title"][1]["characters"] == LONGEST + 2
