"""A target that may not be reached when a run sends: the delivery is refused with its reason, and nothing leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailroom.passes.outcome import Outcome
from mailroom.states import DeliveryState, ExecutionState
from prefect_mailroom import outbound

if TYPE_CHECKING:
    from tests.support.environment import Environment


@pytest.mark.parametrize("way", ["not opened", "ours"])
async def test_security_06_a_target_is_looked_at_when_a_run_sends(
    environment: Environment, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection was fine when it was saved."""
    if way == "not opened":
        monkeypatch.setenv(outbound.VARIABLE, "10.0.0.0/8")
    else:
        monkeypatch.setenv(outbound.CLOSED_VARIABLE, f"localhost:{environment.mail.port}")
    schedule = await environment.create()
    result = await environment.run_pass(schedule, await environment.request(schedule))
    assert isinstance(result, Outcome)
    assert result.state is ExecutionState.FAILED
    for delivery in (await environment.deliveries()).values():
        assert delivery.status is DeliveryState.REFUSED
        assert "127.0.0.1" in (delivery.error_message or "")
        assert delivery.next_attempt_at is None
        assert delivery.receipt is None
    assert [attempt.outcome for attempt in await environment.attempts()] == [DeliveryState.REFUSED] * 2
    assert environment.mail.envelopes == []
