"""Say how a run's page and the command line show a large upload, and what is in the receipt of an object."""

from __future__ import annotations

import pytest

from api.web.execution.deliveries import Upload, groups_of
from api.web.execution.receipts import receipt_words
from api.web.execution.timeline import Clock, steps
from cli.commands.schedules.commands import sent_words
from mailroom.states import DeliveryState, ExecutionState
from prefect_mailroom.channels.base import Grade
from tests.unit.api.web.runs.build import DUE, WHEN, delivery, run

CLOCK = Clock(WHEN, "Europe/Berlin", DUE)
HALF = {"sent_bytes": 62_000_000, "total_bytes": 214_000_000}


@pytest.mark.parametrize(
    ("status", "told", "shown"),
    [
        (DeliveryState.SENDING, HALF, Upload(62_000_000, 214_000_000, "62 of 214 MB")),
        (DeliveryState.SENDING, {}, None),
        (DeliveryState.DELIVERED, {**HALF, "sent_bytes": 214_000_000}, None),
    ],
)
def test_an_upload_is_shown_while_it_lasts(status: DeliveryState, told: dict[str, int], shown: Upload | None) -> None:
    one = delivery("bucket", status, **told)
    (group,) = groups_of([one], CLOCK)
    assert group.rows[0].upload == shown
    assert sent_words(one.model_dump(mode="json")) == (shown.words if shown else "")


def test_the_timeline_says_how_much_has_left() -> None:
    sending = [delivery("bucket", DeliveryState.SENDING, **HALF), delivery("inbox", DeliveryState.SENDING)]
    (step,) = [one for one in steps(run(ExecutionState.RUNNING, deliveries=sending), CLOCK) if one.words == "Sending"]
    assert step.second == "to bucket (62 of 214 MB), inbox"


def test_the_receipt_of_an_object_names_address_size_checksum_and_version() -> None:
    file = {"path": "s3://reports/a.csv", "bytes": 1_500_000, "sha256": "ab12", "version": "v7", "was_there": True}
    told = receipt_words({"reference": file["path"], "detail": {"files": [file]}}, Grade.STORED)
    assert told is not None
    assert [(one.path, one.size) for one in told.files] == [("s3://reports/a.csv", "1.5 MB")]
    assert told.files[0].note
    assert told.sums == ("ab12",)
    assert [(one.what, one.text) for one in told.copies] == [("Version", "v7")]
