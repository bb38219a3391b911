"""The field that a refusal names is the place in what was sent, whatever its parts are called."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mailroom.connections.spec import build
from mailroom.errors import Invalid
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules.backfill import Backfill
from mailroom.schedules.spec import ScheduleSpec

SCHEDULE: dict[str, Any] = {
    "name": "Daily orders",
    "report_id": "orders",
    "timing": {"frequency": "daily", "at": "09:00", "timezone": "Europe/Berlin"},
    "formats": ["csv"],
    "destinations": [{"channel": "folder", "connection": "shared"}],
}
REPORT: dict[str, Any] = {
    "id": "orders",
    "title": "Orders",
    "source": {"kind": "sql", "connection": "warehouse", "queries": {"orders": "SELECT 1 AS one"}},
    "formats": ["csv"],
}


def fields(model: type[BaseModel], data: dict[str, Any]) -> set[str]:
    """Return the places that a refusal of the data names."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(data)
    return {fault.field for fault in Invalid.from_validation(caught.value, model=model).faults}


def report(**source: Any) -> dict[str, Any]:
    return {**REPORT, "source": {**REPORT["source"], **source}}


def timing(**changes: Any) -> dict[str, Any]:
    return {**SCHEDULE, "timing": {**SCHEDULE["timing"], **changes}}


@pytest.mark.parametrize(
    ("model", "data", "expected"),
    [
        # Real names that are tags of unions elsewhere.
        (ScheduleSpec, {**SCHEDULE, "daily": 1}, "daily"),
        (ScheduleSpec, timing(weekly=1), "timing.weekly"),
        (ScheduleSpec, timing(daily=1), "timing.daily"),
        (ScheduleSpec, {**SCHEDULE, "policy": {"cron": 1}}, "policy.cron"),
        (ReportDefinition, report(queries={"sql": 5}), "source.queries.sql"),
        (ReportDefinition, report(queries={"http": {}}), "source.queries.http"),
        # Tags of unions, which nobody sent.
        (ScheduleSpec, timing(at="25:00"), "timing.at"),
        (ScheduleSpec, timing(frequency="monthly", day=32), "timing.day"),
        (ScheduleSpec, timing(frequency="monthly", day={"nth": 9, "weekday": "mon"}), "timing.day.nth"),
        (ScheduleSpec, timing(frequency="fortnightly"), "timing"),
        (ReportDefinition, report(connection=None), "source.connection"),
        (ReportDefinition, {**REPORT, "sections": [{"kind": "table", "query": 1}]}, "sections.0.query"),
        (Backfill, {"from": "x", "until": "2026-11-01"}, "from"),
    ],
)
def test_the_place_is_the_one_in_the_data(model: type[BaseModel], data: dict[str, Any], expected: str) -> None:
    assert expected in fields(model, data)
    assert not {name for name in fields(model, data) if ".NthWeekday" in name or "-int" in name or "[" in name}


def test_settings_of_a_connection_keep_their_names() -> None:
    with pytest.raises(Invalid) as caught:
        build("email", {"credentials": {"smtp_port": "x", "http": 1}, "from_address": "a@b.example"})
    assert {"settings.credentials.smtp_port"} <= {fault.field for fault in caught.value.faults}


class Cat(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["cat"]
    lives: int | dict[str, int]


class Dog(BaseModel):
    kind: Literal["dog"]
    friends: list[Annotated[Cat | Dog, Field(discriminator="kind")]]


class Zoo(BaseModel):
    animals: dict[str, Annotated[Cat | Dog, Field(discriminator="kind")]]
    pair: tuple[int, Cat] | None = None


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"animals": {"cat": {"kind": "cat", "lives": "x"}}}, {"animals.cat.lives"}),
        ({"animals": {"dog": {"kind": "cat", "lives": {"dog": "x"}}}}, {"animals.dog.lives", "animals.dog.lives.dog"}),
        (
            {"animals": {"a": {"kind": "dog", "friends": [{"kind": "cat", "cat": 1, "lives": 1}]}}},
            {"animals.a.friends.0.cat"},
        ),
        ({"animals": {"a": {"kind": "dog", "friends": [{"kind": "cow"}]}}}, {"animals.a.friends.0"}),
        ({"animals": {}, "pair": [1, {"kind": "cat", "lives": []}]}, {"pair.1.lives"}),
    ],
)
def test_unions_below_unions(data: dict[str, Any], expected: set[str]) -> None:
    assert fields(Zoo, data) == expected
