"""What a run without a schedule may be asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from mailroom.executions.deliveries import new_delivery
from mailroom.executions.lifecycle import By
from mailroom.passes.direct.order import Order, order
from mailroom.passes.direct.rows import began, ended, planned, to_rows, with_rows
from mailroom.reports.spec import Format
from mailroom.states import DeliveryState
from prefect_mailroom.channels.base import Receipt
from prefect_mailroom.channels.registry import destination
from prefect_mailroom.errors import ConfigurationError, RetryLater
from tests.support.samples import FOLDER, MAIL, REPORT

DUE = datetime(2026, 11, 30, 8, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "orders"
    folder.mkdir()
    (folder / "report.yaml").write_text(yaml.safe_dump({k: v for k, v in REPORT.items() if k != "id"}))
    return tmp_path


def read(root: Path, **changes: Any) -> Order:
    asked: dict[str, Any] = {"report": "orders", "destination": FOLDER, "parameters": {}, "formats": []}
    asked |= {"timezone": "Europe/Berlin", **changes}
    return order(**asked, due_at=DUE, root=root)


def test_it_has_every_format_and_default(root: Path) -> None:
    found = read(root)
    assert found.formats == (Format.CSV, Format.HTML)
    assert found.sample.parameters == {"region": "all", "least": 0}
    assert found.target.connection == "shared"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"report": "elsewhere"}, "report"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"formats": [Format.PDF]}, "formats"),
        ({"destination": {"channel": "pigeon"}}, "destination.channel"),
        ({"destination": {**FOLDER, "path": "{param_planet}.{ext}"}}, "destination.path"),
        ({"destination": {**MAIL, "attach": "link", "links_from": "store"}}, "destination.links_from"),
    ],
)
def test_what_is_wrong_is_named(root: Path, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(root, **changes)
    assert refused.value.field == field
    assert refused.value.remedy


def test_keys_are_made_as_for_a_schedule() -> None:
    mine = planned("run", destination(MAIL), now=DUE)
    theirs = [
        new_delivery("run", 0, to, channel="email", connection="smtp", destination={}, now=DUE) for to in MAIL["to"]
    ]
    assert [one.key for one in mine] == [one.key for one in theirs]


def test_rows_bring_back_what_they_were_made_of() -> None:
    first, second = planned("run", destination(MAIL), now=DUE)
    taken = ended(began(first, by=By.PLAN), Receipt(reference="id-1"), None)
    waits = ended(began(second, by=By.PLAN), RetryLater("busy"), DUE)
    again = with_rows(planned("run", destination(MAIL), now=DUE), to_rows([taken, waits]))
    assert [(one.status, one.attempts, one.next_attempt_at) for one in again] == [
        (DeliveryState.DELIVERED, 1, None),
        (DeliveryState.FAILED, 1, DUE),
    ]
    assert (again[0].receipt or {})["reference"] == "id-1"


def test_an_attempt_without_an_end_is_unknown() -> None:
    [one, _] = planned("run", destination(MAIL), now=DUE)
    [again, _] = with_rows(planned("run", destination(MAIL), now=DUE), to_rows([began(one, by=By.PLAN)]))
    assert (again.status, again.attempts, again.next_attempt_at) == (DeliveryState.UNKNOWN, 1, None)
