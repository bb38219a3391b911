"""Bring together what the deliveries of an execution have in common, and make the parcel of each attempt of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from mailroom.links.maker import NO_LINKS, LinkMaker
from mailroom.passes.correcting.words import correction_facts
from mailroom.passes.planned.plan import Plan
from mailroom.passes.planned.rendered import FilesExpired, Rendered
from mailroom.rendering.service import Message, RenderedReport, message_of
from mailroom.reports.dates import window_days
from mailroom.schedules.spec import ScheduleSpec
from mailroom.states import ExecutionKind
from mailroom.storage.artifacts import ArtifactStore
from mailroom.storage.tables import Artifact, Delivery, Execution, Schedule
from prefect_mailroom.channels.base import Parcel, ParcelFile
from prefect_mailroom.channels.registry import destination
from prefect_mailroom.text import variables


@dataclass(frozen=True, slots=True)
class Shipment:
    """Everything that the deliveries of an execution have in common."""

    execution: Execution
    schedule: Schedule
    spec: ScheduleSpec
    plan: Plan
    report: RenderedReport
    files: tuple[ParcelFile, ...]
    message: Message
    links: LinkMaker = NO_LINKS


async def load_shipment(
    store: ArtifactStore,
    execution: Execution,
    schedule: Schedule,
    spec: ScheduleSpec,
    rendered: Rendered,
    links: LinkMaker = NO_LINKS,
) -> Shipment:
    """Bring together what was rendered.

    Raises:
        FilesExpired: a file is gone.
    """

    def load() -> tuple[Message, tuple[ParcelFile, ...]]:
        files = tuple(_parcel_file(store, artifact) for artifact in rendered.artifacts)
        if not all(file.path.exists() for file in files):
            raise FilesExpired
        return message_of(store, rendered.report), files

    try:
        message, files = await asyncio.to_thread(load)
    except FileNotFoundError as error:
        raise FilesExpired from error
    return Shipment(execution, schedule, spec, rendered.plan, rendered.report, files, message, links)


def _parcel_file(store: ArtifactStore, artifact: Artifact) -> ParcelFile:
    return ParcelFile(
        path=store.path(artifact.sha256),
        filename=artifact.filename,
        media_type=artifact.media_type,
        size=artifact.size,
        sha256=artifact.sha256,
    )


def parcel(shipment: Shipment, delivery: Delivery, attempt: int) -> Parcel:
    """Return the parcel of one attempt. Pure: the files are only named."""
    execution, plan = shipment.execution, shipment.plan
    local_due = execution.due_at.astimezone(ZoneInfo(plan.timezone))
    first, last = window_days(plan.data_window, plan.parameters)
    target = destination(delivery.destination)
    return Parcel(
        key=delivery.key,
        attempt=attempt,
        recipient=delivery.recipient,
        destination=target,
        files=shipment.files,
        text=shipment.message.text,
        html=shipment.message.html,
        images=shipment.message.images,
        variables=variables.values(
            report_name=plan.report_title,
            report_slug=plan.report_id,
            schedule_name=plan.schedule_name,
            due=local_due,
            execution_id=execution.id,
            window_from=first,
            window_to=last,
            parameters={
                name: value
                for name, value in plan.parameters.items()
                if isinstance(value, str | int) and not isinstance(value, bool)
            },
        ),
        facts={
            "execution_id": execution.id,
            "schedule": {"id": shipment.schedule.id, "name": plan.schedule_name},
            "report": {"id": plan.report_id, "title": plan.report_title, "version": plan.report_version},
            "kind": str(execution.kind),
            "due_at": execution.due_at.isoformat(),
            "timezone": plan.timezone,
            "parameters": plan.parameters,
            "rows": shipment.report.rows,
            "figures": shipment.report.message["figures"],
            **correction_facts(execution),
        },
        links=shipment.links.downloads(delivery, target, shipment.files),
        unsubscribe_url=shipment.links.unsubscribe(delivery, target),
        is_test=execution.kind is ExecutionKind.TEST,
    )
