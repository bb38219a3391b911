"""Follow the grade of a receipt from the channel to what people are shown."""

from __future__ import annotations

import pytest

from mailroom.executions.overview import grade_of
from mailroom.passes.steps.recorded import receipt_of
from mailroom.storage.tables import Delivery
from prefect_mailroom.channels.base import Grade, Receipt
from prefect_mailroom.errors import RetryLater


@pytest.mark.parametrize("grade", list(Grade))
def test_a_grade_is_kept_with_its_receipt(grade: Grade) -> None:
    assert grade_of(Delivery(receipt=receipt_of(Receipt("a", grade=grade)))) is grade


def test_a_receipt_of_before_grades_were_kept_has_none() -> None:
    assert grade_of(Delivery(receipt={"reference": "250 OK"})) is None
    assert grade_of(Delivery(receipt=receipt_of(RetryLater("No.")))) is None
