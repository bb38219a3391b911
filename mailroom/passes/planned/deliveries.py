"""Plan the deliveries of an execution. Pure."""

from __future__ import annotations

from datetime import datetime

from mailroom.executions.deliveries import new_delivery
from mailroom.schedules.spec import ScheduleSpec
from mailroom.states import ExecutionKind
from mailroom.storage.tables import Delivery, Execution
from prefect_mailroom.channels.base import Destination


def plan(execution: Execution, spec: ScheduleSpec, *, now: datetime) -> list[Delivery]:
    """Return the deliveries of an execution: one for each recipient of each destination, keys fixed."""
    planned: list[Delivery] = []
    for position, target in enumerate(spec.targets()):
        used: Destination | None = target
        if execution.kind is ExecutionKind.TEST and execution.test_recipient:
            used = target.for_test(execution.test_recipient)
        if used is None:
            continue
        planned += [
            new_delivery(
                execution.id,
                position,
                recipient,
                channel=used.channel,
                connection=used.connection,
                destination=used.model_dump(mode="json"),
                now=now,
            )
            for recipient in used.recipients()
        ]
    return planned
