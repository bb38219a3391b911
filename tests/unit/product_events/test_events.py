"""What the product is told of, and when an event is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from mailroom.product_events.spec import facts_of_end, type_of_end
from mailroom.product_events.timing import next_try
from mailroom.setting_groups.product_events import ProductEventSettings, ProductEventType
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.tables import Execution, Schedule
from prefect_mailroom.errors import ConfigurationError, Gone, MailroomError, Refused, RetryLater, TargetForbidden

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
SECRET = "whsec_YS1zaWduaW5nLXNlY3JldC1vZi0zMi1ieXRlcy1sZW4="


def _schedule(*, is_sample: bool = False) -> Schedule:
    return Schedule(id="s", name="Sales", user_id="u", report_id="sales", is_sample=is_sample)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (ExecutionState.SUCCESS, ProductEventType.REPORT_DELIVERED),
        (ExecutionState.PARTIAL, ProductEventType.REPORT_FAILED),
        (ExecutionState.FAILED, ProductEventType.REPORT_FAILED),
        (ExecutionState.MISSED, ProductEventType.OCCURRENCE_MISSED),
        (ExecutionState.SKIPPED, None),
        (ExecutionState.CANCELLED, None),
        (ExecutionState.RETRYING, None),
    ],
)
def test_each_end_has_its_event(state: ExecutionState, told: ProductEventType | None) -> None:
    execution = Execution(kind=ExecutionKind.SCHEDULED, status=state)
    assert type_of_end(execution, _schedule()) is told
    assert type_of_end(execution, _schedule(is_sample=True)) is None
    assert type_of_end(Execution(kind=ExecutionKind.TEST, status=state), _schedule()) is None


def test_the_words_of_a_reason_stay_here() -> None:
    execution = Execution(id="e", kind=ExecutionKind.SCHEDULED, status=ExecutionState.PARTIAL, due_at=NOW)
    execution.reason, execution.reason_code = "Not confirmed: ada@example.com.", "not_all_delivered"
    execution.reason_values = {"delivered": 1, "total": 2, "unconfirmed": ["ada@example.com"]}
    facts = facts_of_end(execution, _schedule(), now=NOW)
    assert "ada" not in str(facts)
    assert (facts["execution"]["delivered"], facts["execution"]["total"]) == (1, 2)


def test_tries_go_on_for_a_day() -> None:
    last, tries = NOW, 1
    error = RetryLater("Busy.")
    while again := next_try(error, event_id="e", attempts=tries, now=last, until=NOW + timedelta(days=1)):
        assert again >= last + timedelta(seconds=30)
        last, tries = again, tries + 1
    assert 12 <= tries <= 17
    assert last > NOW + timedelta(hours=20)


@pytest.mark.parametrize(
    ("error", "goes_on"),
    [
        (ConfigurationError("HTTP 401."), True),
        (RetryLater("Busy.", not_before=7000), True),
        (Refused("HTTP 400."), False),
        (Gone("HTTP 410."), False),
        (TargetForbidden("Not there."), False),
    ],
)
def test_what_a_person_may_mend_is_tried_again(error: MailroomError, goes_on: bool) -> None:
    again = next_try(error, event_id="e", attempts=1, now=NOW, until=NOW + timedelta(days=1))
    assert (again is not None) is goes_on
    if again is not None and error.args == ("Busy.",):
        assert again >= NOW + timedelta(seconds=7000)


def test_settings_are_checked() -> None:
    assert ProductEventSettings().wanted == frozenset()
    given = ProductEventSettings(url="https://app.example.com/hooks", secret=SECRET, types="report.failed")
    assert given.wanted == {ProductEventType.REPORT_FAILED}
    for wrong in (
        {"url": "https://app.example.com/hooks"},
        {"url": "https://user:word@app.example.com/hooks", "secret": SECRET},
        {"secret": "whsec_c2hvcnQ="},
        {"types": "report.lost"},
    ):
        with pytest.raises(ValidationError):
            ProductEventSettings.model_validate(wrong)
