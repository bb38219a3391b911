"""Hypothesis looks for an order of events that breaks a promise of DESIGN.md. `PROMISES_EXAMPLES=1000` looks longer."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from prefect_mailroom.testing import RecordingChannel, registered
from tests.integration.promises.environment import lay_out
from tests.integration.promises.machine.machine import Machine

EXAMPLES = int(os.environ.get("PROMISES_EXAMPLES", "0"))
STEPS = 50
SETTINGS = settings(
    max_examples=EXAMPLES or 20,
    stateful_step_count=STEPS,
    deadline=None,
    derandomize=not EXAMPLES,  # The same orders each time, so that a change of something else never fails by chance.
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(0 if EXAMPLES else 900)  # A failure is made shorter for minutes before it is shown.
def test_no_order_of_events_breaks_a_promise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = tmp_path / "template"
    template.mkdir()
    monkeypatch.setattr(Machine, "template", template, raising=False)
    # Outages and deaths are told of at length, a thousand times over.
    logging.disable(logging.CRITICAL)
    try:
        with registered(RecordingChannel), asyncio.Runner() as runner:
            runner.get_loop().set_exception_handler(lambda *_: None)
            monkeypatch.setattr(Machine, "runner", runner, raising=False)
            runner.run(lay_out(template))
            run_state_machine_as_test(Machine, settings=SETTINGS)
    finally:
        logging.disable(logging.NOTSET)
