"""Describe the deployments of ours that belong to no schedule: the upkeep, the digests and the summaries. Pure.

`prefect.yaml` has the same for those who deploy by hand; a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass

from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule

from deployments.sync.desired import pull_steps
from mailroom.settings import CHECKOUT, Settings


@dataclass(frozen=True, slots=True)
class OwnFlow:
    """A flow of ours, and when it runs; `name` is that of the flow and of its deployment."""

    name: str
    description: str
    slug: str
    cron: str
    tag: str

    @property
    def entrypoint(self) -> str:
        """Return where the flow is, below the checkout."""
        return f"flows/{self.name}.py:{self.name}"

    @property
    def schedule(self) -> CronSchedule:
        """Return when it runs, as Prefect has it."""
        return CronSchedule(cron=self.cron, timezone="UTC")


UPKEEP = OwnFlow(
    name="upkeep",
    description=(
        "Checks that every due time is in the ledger, starts waiting executions, and recovers runs whose process died."
    ),
    slug="every-minute",
    cron="* * * * *",
    tag="mailroom-upkeep",
)
# Some minutes after the full hour, at which most reports are due.
DIGEST = OwnFlow(
    name="digest",
    description="Sends each user the digest of minor issues, once a day at the user's own hour.",
    slug="every-hour",
    cron="5 * * * *",
    tag="mailroom-digest",
)
SUMMARY = OwnFlow(
    name="summary",
    description="Sends each user the summary of the week: what was sent, what failed and what comes.",
    slug="every-hour",
    cron="10 * * * *",
    tag="mailroom-summary",
)
OWN_FLOWS = (UPKEEP, DIGEST, SUMMARY)


@dataclass(frozen=True, slots=True)
class DesiredOwn:
    """A deployment as it should be: the flow, and the part that depends on the settings."""

    flow: OwnFlow
    work_pool: str
    directory: str


def desired_own(flow: OwnFlow, settings: Settings) -> DesiredOwn:
    """Return the deployment of a flow as it should be: run from this checkout, on our work pool."""
    return DesiredOwn(flow, work_pool=settings.work_pool, directory=str(CHECKOUT))


def own_differs(desired: DesiredOwn, observed: DeploymentResponse) -> bool:
    """Tell whether the deployment would run something else, or elsewhere, or at other times than it should.

    A pause is a person's wish, so it makes no difference.
    """
    flow = desired.flow
    schedules = [(schedule.slug, schedule.schedule) for schedule in observed.schedules]
    shown = (observed.entrypoint, observed.work_pool_name, observed.pull_steps, schedules)
    return shown != (
        flow.entrypoint,
        desired.work_pool,
        pull_steps(desired.directory),
        [(flow.slug, flow.schedule)],
    )
