"""A receipt says in words what the far side confirmed."""

from __future__ import annotations

import pytest

from api.web.execution.receipts import GRADES, receipt_words
from prefect_mailroom.channels.base import Grade


def test_a_mail_tells_the_answer_of_the_server_and_its_ids() -> None:
    detail = {"reply": "250 queued as 4Fk", "message_id": "<1@x>", "server": "smtp.example.org", "bytes": 1200}
    found = receipt_words({"reference": "4Fk", "detail": detail}, Grade.ACCEPTED_WITH_ID)
    assert found is not None
    assert found.lines == ("smtp.example.org answered: 250 queued as 4Fk (1.2 kB)",)
    assert [one.text for one in found.copies] == ["4Fk", "<1@x>"]


def test_a_file_tells_its_path_size_and_checksum() -> None:
    written = {"path": "/in/a.csv", "bytes": 10, "sha256": "ab", "was_there": True}
    found = receipt_words({"reference": "/in/a.csv", "detail": {"files": [written]}}, Grade.STORED)
    assert found is not None
    assert [(one.path, one.size, one.sha256, bool(one.note)) for one in found.files] == [
        ("/in/a.csv", "10 bytes", "ab", True)
    ]
    assert (found.copies, found.sums) == ((), ("ab",))


@pytest.mark.parametrize(
    "detail",
    [
        {"status": 202, "host": "hooks.example.org", "bytes": 10},
        {"program": "upload", "exit_code": 0, "output": "done"},
        {"something": "that no page knows"},
        {},
        "no mapping at all",
    ],
)
@pytest.mark.parametrize("grade", Grade)
def test_every_receipt_says_something(detail: object, grade: Grade) -> None:
    found = receipt_words({"reference": "r-1", "detail": detail}, grade)
    assert found is not None
    assert found.lines
    assert [one.text for one in found.copies] == ["r-1"]


def test_nothing_confirmed_is_no_receipt_and_every_grade_has_words() -> None:
    assert receipt_words(None, None) is None
    assert set(GRADES) == set(Grade)
