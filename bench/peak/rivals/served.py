"""`python -m bench.peak.rivals.served PLAN`: our flow under Prefect's `serve`, one deployment a schedule.

PLAN is a JSON file: schedules (ids), cron, tag, limit. The stack's settings come from the environment.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bench.peak.own_prefect import begin_again
from deployments.sync.desired import ENTRYPOINT
from embedded import system
from embedded.processes import guard
from mailroom.settings import current

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.deployments.runner import RunnerDeployment


def main() -> None:
    """Serve until ended."""
    plan = json.loads(Path(sys.argv[1]).read_text())
    # As often as the stack's worker polls; the default is 10 s.
    settings = system.environment(current(), os.environ[guard.MARK]) | {"PREFECT_RUNNER_POLL_FREQUENCY": "4"}
    begin_again("bench.peak.rivals.served", settings)
    from prefect import serve  # noqa: PLC0415  takes seconds, at the second begin

    serve(*deployments(plan), limit=plan["limit"], print_starting_message=False)


def deployments(plan: dict[str, Any]) -> list[RunnerDeployment]:
    """One for each schedule, as people write it."""
    from prefect.flows import load_flow_from_entrypoint  # noqa: PLC0415  as above

    flow: Flow[..., Any] = load_flow_from_entrypoint(ENTRYPOINT)
    made = [
        flow.to_deployment(
            f"served-{schedule}", cron=plan["cron"], parameters={"schedule_id": schedule}, tags=[plan["tag"]]
        )
        for schedule in plan["schedules"]
    ]
    return cast("list[RunnerDeployment]", made)  # No coroutines: no loop is running.


if __name__ == "__main__":
    main()
