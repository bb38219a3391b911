"""What Prefect answers: its JSON, its models and its errors, of what a `ModelPrefect` keeps."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from tests.integration.promises.prefect_model.model_of_prefect import Deployment, Run

NOTHING: dict[str, Any] = {
    "description": None,
    "tags": [],
    "parameters": {},
    "paused": False,
    "entrypoint": None,
    "work_pool_name": None,
    "pull_steps": None,
    "job_variables": {},
}
"""What a deployment has of what is not said."""


def flow_run(run: Run, flow_id: UUID) -> FlowRun:
    return FlowRun(
        id=run.id,
        flow_id=flow_id,
        deployment_id=run.deployment,
        parameters=run.parameters,
        tags=run.tags,
        expected_start_time=run.expected,
        next_scheduled_start_time=run.starts_at if run.waits else None,
        auto_scheduled=run.auto,
        run_count=run.run_count,
        state=run.state,
        state_type=run.state.type,
        state_name=run.state.name,
    )


def as_json(deployment: Deployment) -> dict[str, Any]:
    return {
        **deployment.fields,
        "id": str(deployment.id),
        "name": deployment.name,
        "updated": deployment.updated.isoformat(),
        "updated_by": None,
        "schedules": [
            {
                "id": str(timer.id),
                "slug": timer.slug,
                "schedule": timer.schedule,
                "active": timer.active,
                "parameters": timer.parameters,
            }
            for timer in deployment.timers
        ],
    }


def missing(what: object) -> ObjectNotFound:
    return ObjectNotFound(http_exc=LookupError(f"{what} is not there"))


def refused(status: int, path: str) -> PrefectHTTPStatusError:
    """Prefect's client makes no `ObjectNotFound` of some answers."""
    request = httpx.Request("POST", f"http://prefect{path}")
    return PrefectHTTPStatusError("refused", request=request, response=httpx.Response(status, request=request))
