"""Send each user the digest of minor issues, once a day at the user's own hour. Wiring only."""

from __future__ import annotations

from typing import Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed

from mailroom.telling.digest import service
from mailroom.telling.set_times import by_settings


@flow(name="digest", persist_result=False)
async def digest() -> State[Any]:
    """Send the digests that are due by now; the run's state says what was done."""
    done = await by_settings(service.run)
    get_run_logger().log(30 if done.is_troubled else 20, str(done))
    return Completed(message=str(done))
