"""Flow runs in a warm worker: they run, log, fail, come again, and are found by time, queue and priority."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.client.schemas.objects import StateType

if TYPE_CHECKING:
    from tests.integration.worker.conftest import Workshop

HELLO = """
    from prefect import get_run_logger

    @task
    async def shout(word): return word.upper()

    @flow
    async def main(word: str = "hello", times: int = 1):
        get_run_logger().info("said %s", await shout(word) * times)
"""


async def test_a_run_completes_and_its_logs_are_in_the_api(workshop: Workshop) -> None:
    await workshop.open()
    deployment = await workshop.deploy("hello", HELLO)
    runs = [await workshop.order(deployment, word="a", times="2"), await workshop.order(deployment)]
    workshop.start()
    for run in runs:
        done = await workshop.until(run)
        assert done.state is not None
        assert done.state.type is StateType.COMPLETED, workshop.told()
        assert done.deployment_id == deployment
    assert await workshop.logged(runs[0], "said AA")
    assert await workshop.logged(runs[1], "said HELLO")
