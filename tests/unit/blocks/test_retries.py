"""The delays of a connection: what they may be, what they are by default, and that older blocks still load."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from prefect_mailroom.channels.folder import FolderChannel
from prefect_mailroom.channels.retries import STANDARD, Retries

HOUR = 3600


def test_by_default_tries_go_on_every_two_hours() -> None:
    delays = [STANDARD.after(tries) for tries in range(1, 8)]
    assert delays == [30, 300, HOUR // 2, 2 * HOUR, 2 * HOUR, 2 * HOUR, 2 * HOUR]
    assert STANDARD.after(10_000) == 2 * HOUR


def test_three_times_300_seconds_are_three_more_tries() -> None:
    assert [Retries(delays=[300, 300, 300]).after(tries) for tries in range(1, 6)] == [300, 300, 300, None, None]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"delays": []}, "delays"),
        ({"delays": [300] * 21}, "delays"),
        ({"delays": [0]}, "delays"),
        ({"delays": [300, 86_401]}, "delays"),
        ({"delays": ["soon"]}, "delays"),
        ({"delays": [300], "then_every": 0}, "then_every"),
        ({"delays": [300], "then_every": 86_401}, "then_every"),
        ({"then_every": 300}, "delays"),
        ({"delays": [300], "max": 3}, "max"),
    ],
)
def test_delays_that_make_no_sense_are_refused_at_their_field(given: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        FolderChannel.model_validate({"root": "/srv", "retries": given})
    assert {error["loc"][:2] for error in refused.value.errors()} == {("retries", field)}


@pytest.mark.parametrize("given", [{"delays": [1]}, {"delays": [86_400] * 20, "then_every": 86_400}])
def test_the_limits_themselves_are_accepted(given: dict[str, Any]) -> None:
    assert FolderChannel.model_validate({"root": "/srv", "retries": given}).retries.delays == given["delays"]


def test_a_block_that_was_saved_before_there_were_delays_loads_with_the_standard_ones() -> None:
    assert FolderChannel.model_validate({"root": "/srv", "timeout_seconds": 60}).retries == STANDARD


def test_the_form_of_a_block_shows_the_delays_with_their_default() -> None:
    schema = FolderChannel.model_json_schema()
    assert schema["properties"]["retries"]["default"] == STANDARD.model_dump()
    assert set(schema["$defs" if "$defs" in schema else "definitions"]["Retries"]["properties"]) == {
        "delays",
        "then_every",
    }
