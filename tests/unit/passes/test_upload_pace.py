"""Say when an upload is worth a line in the log, and what the line and the page say of it."""

from __future__ import annotations

import pytest

from mailroom.executions.history.upload_words import of_bytes
from mailroom.passes.sending.upload_pace import Said, is_worth_a_line, line

MB = 1000**2


@pytest.mark.parametrize(
    ("sent", "seconds", "is_told"),
    [
        (100 * MB, 4.9, False),  # Half of it left soon: the five seconds decide.
        (100 * MB, 5.0, True),
        (19 * MB, 60.0, False),  # It is slow: the tenth decides.
        (20 * MB, 60.0, True),
    ],
)
def test_the_later_of_a_tenth_and_five_seconds_decides(sent: int, seconds: float, is_told: bool) -> None:
    assert is_worth_a_line(Said(0, 100.0), sent, 200 * MB, now=100.0 + seconds) is is_told


def test_it_counts_from_the_last_line() -> None:
    said = Said(100 * MB, 100.0)
    assert not is_worth_a_line(said, 119 * MB, 200 * MB, now=110.0)
    assert is_worth_a_line(said, 120 * MB, 200 * MB, now=110.0)


def test_an_upload_that_begins_anew_is_told() -> None:
    assert is_worth_a_line(Said(100 * MB, 100.0), 5 * MB, 200 * MB, now=106.0)


@pytest.mark.parametrize(
    ("sent", "total", "words"),
    [
        (62 * MB, 214 * MB, "62 of 214 MB"),
        (0, 214 * MB, "0 of 214 MB"),
        (1_250 * MB, 4_300 * MB, "1.2 of 4.3 GB"),
        (400, 900, "400 of 900 bytes"),
        (600, 1_500, "0.6 of 1.5 kB"),
    ],
)
def test_both_numbers_have_the_unit_of_the_whole(sent: int, total: int, words: str) -> None:
    assert of_bytes(sent, total) == words


def test_a_line_says_how_much_and_since_when() -> None:
    assert line(62 * MB, 214 * MB, seconds=12.3) == "62 of 214 MB (28 %) have left after 12 s"
