"""Do the work of one pass over a direct run, step by step; the flow calls the steps one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from prefect.client.orchestration import PrefectClient

from mailroom import own_endpoints
from mailroom import settings as settings_module
from mailroom.executions.lifecycle import By
from mailroom.executions.policy import Policy
from mailroom.executions.reasons import ReasonCode, because
from mailroom.passes.claim import FlowRunFacts
from mailroom.passes.direct.order import Order
from mailroom.passes.direct.record import Record, open_record
from mailroom.passes.direct.rendering import block_named, digest_of, rendered
from mailroom.passes.direct.rows import planned
from mailroom.passes.direct.sending import Sending
from mailroom.passes.outcome import Outcome, outcome_of
from mailroom.passes.planned.sample import sample_shipment
from mailroom.passes.retry import Expiry, expiry_of, next_attempt
from mailroom.passes.sending.due import due_now
from mailroom.rendering.job import RenderResult
from mailroom.settings import Settings
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.hosts.clock import local_time
from mailroom.storage.tables import Execution
from prefect_mailroom.channels.base import Channel
from prefect_mailroom.channels.retries import STANDARD
from prefect_mailroom.errors import MailroomError, Retryable

POLICY = Policy()
"""What a schedule has where its user says nothing else; a direct run has no other."""


def settings_of(client: PrefectClient) -> Settings:
    """Return the settings of this process, with the Prefect that runs it, and close our own endpoints to what leaves.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    url = str(client.api_url).rstrip("/")
    settings = settings_module.current().model_copy(update={"prefect_api_url": url})
    own_endpoints.close(settings)
    return settings


@dataclass
class DirectWork:
    """One pass. Nothing of it needs Mailroom's database."""

    settings: Settings
    run: FlowRunFacts
    order: Order
    channel: Channel
    record: Record
    deployment_id: str

    @property
    def execution(self) -> Execution:
        """Return the run as the execution that it would be of a schedule. It is in no database."""
        return Execution(
            id=self.run.id,
            kind=ExecutionKind.SCHEDULED if self.run.scheduled else ExecutionKind.RUN_NOW,
            due_at=self.order.sample.due_at,
            retry_requested_at=self.record.asked_at,
        )

    @property
    def expiry(self) -> Expiry:
        """Return when the tries end."""
        return expiry_of(self.execution, POLICY.expires_after)

    @asynccontextmanager
    async def rendered(self) -> AsyncIterator[RenderResult]:
        """Render the report; see `rendering.rendered`."""
        async with rendered(self.order, self.settings, group=self.deployment_id) as result:
            yield result

    async def render_failed(self, error: MailroomError) -> Outcome:
        """Return how the run goes on after its report could not be rendered: later, or not at all."""
        again = None
        if isinstance(error, Retryable):
            self.record.renders += 1
            again = next_attempt(
                attempts=self.record.renders,
                retries=STANDARD,
                max_attempts=None,
                now=local_time(),
                not_before=error.not_before,
                key=self.run.id,
            )
        if again and again <= self.expiry.at:
            return Outcome(ExecutionState.RETRYING, because(ReasonCode.RENDER_RETRY, error=str(error)), again)
        return Outcome(ExecutionState.FAILED, because(ReasonCode.RENDER_FAILED, error=str(error)))

    async def deliver(self, result: RenderResult) -> tuple[Outcome, str]:
        """Make one attempt for each delivery that is due; return how the run goes on, and what readers must know.

        Raises:
            ExceptionGroup: what is no fault of the far side.
        """
        now = local_time()
        note = self._note_files(result)
        shipment = await asyncio.to_thread(
            sample_shipment,
            self.order.sample,
            result,
            self.execution,
            schedule_id=self.deployment_id,
            now=now,
        )
        forced = self.record.asked_at is not None
        deliveries = [*self.record.deliveries.values()]
        due = due_now(
            deliveries,
            now=now,
            again=any(one.attempts for one in deliveries),
            forced=forced,
            max_attempts=POLICY.max_attempts,
            expiry=self.expiry,
        )
        await Sending(self.channel, shipment, self.record, By.PERSON if forced else By.PLAN).send_all(due)
        return outcome_of([*self.record.deliveries.values()], now=local_time(), expiry=self.expiry), note

    def _note_files(self, result: RenderResult) -> str:
        """Remember the files of the first pass; say where this pass has others."""
        digest, first = digest_of(result), self.record.files
        self.record.files = first or digest
        if first in ("", digest):
            return ""
        return "The files of this pass differ from those of the first one: the data has changed in between."


async def open_direct(
    client: PrefectClient, settings: Settings, run: FlowRunFacts, order: Order, *, deployment_id: str
) -> DirectWork:
    """Return the work of a pass, with what earlier passes of the run have kept.

    Raises:
        ConfigurationError: that cannot be read, or there is no such connection.
        Unavailable, HTTPError, PrefectHTTPStatusError: Prefect does not answer.
    """
    now, target = local_time(), order.target
    channel = await block_named(target.channel, target.connection, settings, field="destination.connection")
    assert isinstance(channel, Channel), "block_named gives the class of the kind"
    record = await open_record(client, run.id, planned(run.id, target, now=now), now=now)
    return DirectWork(settings, run, order, channel, record, deployment_id)
