"""Define the settings of a work pool of type `mailroom-warm`, and for how long a worker that is to end waits."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from prefect_mailroom.worker.prefect_private import BaseJobConfiguration
from prefect_mailroom.worker.processes.code import Code, CodeUnusable, Recycle

if TYPE_CHECKING:
    from prefect.client.schemas.responses import DeploymentResponse

_GRACE_VARIABLE = "PREFECT_MAILROOM_WORKER_GRACE_SECONDS"
_DEFAULT_GRACE = 30.0


class WarmVariables(BaseModel):
    """The settings of a pool, or of a deployment's job variables. A run has none: its process runs others too."""

    env: dict[str, str | None] = Field(
        default_factory=dict,
        title="Environment Variables",
        description="Variables that are added to the worker's environment. Each different set needs its own process.",
    )
    max_runs: int = Field(default=200, ge=1, title="Runs", description="A process is replaced after this many runs.")
    max_minutes: float = Field(
        default=45,
        gt=0,
        lt=60,
        title="Minutes",
        description=(
            "A process is replaced after this many minutes. Keep it below 60, since AWS clients cache the "
            "login of an assumed role."
        ),
    )
    max_growth_mb: int = Field(
        default=256,
        ge=1,
        title="Growth in MB",
        description=("A process is replaced when its memory has grown by this much."),
    )


class WarmJobConfiguration(BaseJobConfiguration):
    """The variables, filled in. The fields that it inherits besides `env` mean nothing to a warm process."""

    env: dict[str, str | None] = Field(default_factory=dict)
    max_runs: int = Field(default=200)
    max_minutes: float = Field(default=45)
    max_growth_mb: int = Field(default=256)

    @classmethod
    def json_template(cls) -> dict[str, Any]:
        """Return the fields that have a variable."""
        return {name: "{{ " + name + " }}" for name in WarmVariables.model_fields}

    def code_of(self, deployment: DeploymentResponse) -> Code:
        """Return where the deployment's code is, and in what environment it runs; raises `CodeUnusable`."""
        if deployment.entrypoint is None:
            raise CodeUnusable(f"The deployment {deployment.name} has no entrypoint.")
        if deployment.storage_document_id is not None and not deployment.pull_steps:
            raise CodeUnusable(
                f"The deployment {deployment.name} keeps its code in a storage block. Workers of type mailroom-warm "
                "take it from pull steps: add `pull` to prefect.yaml and deploy again."
            )
        return Code(
            entrypoint=deployment.entrypoint,
            pull_steps=json.dumps(deployment.pull_steps or [], sort_keys=True),
            path=None if deployment.pull_steps else deployment.path,
            version=deployment.version,
            env=tuple(sorted((name, value) for name, value in self.env.items() if value is not None)),
            recycle=Recycle(runs=self.max_runs, minutes=self.max_minutes, growth_mb=self.max_growth_mb),
        )


def grace_seconds() -> float:
    """Return for how long runs may go on after the worker is asked to end.

    Raises:
        SystemExit: the variable is no number.
    """
    text = os.environ.get(_GRACE_VARIABLE)
    if text is None:
        return _DEFAULT_GRACE
    try:
        return max(0.0, float(text))
    except ValueError:
        sys.exit(f"{_GRACE_VARIABLE} is {text!r}; it must be a number of seconds.")
