"""Send each user the summary of the week: what was sent, what failed and what comes. Wiring only."""

from __future__ import annotations

from typing import Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed

from mailroom.telling.set_times import by_settings
from mailroom.telling.summary import service


@flow(name="summary", persist_result=False)
async def summary() -> State[Any]:
    """Send the summaries that are due by now; the run's state says what was done."""
    done = await by_settings(service.run)
    get_run_logger().log(30 if done.is_troubled else 20, str(done))
    return Completed(message=str(done))
