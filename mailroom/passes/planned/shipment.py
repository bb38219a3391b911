"""Bring together what the deliveries of an execution have in common, and make the parcel of each attempt of it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from mailroom.links.maker import NO_LINKS, LinkMaker
from mailroom.passes.correcting.words import correction_facts
from mailroom.passes.planned.group import without
from mailroom.passes.planned.plan import Plan
from mailroom.passes.planned.rendered import FilesExpired, Rendered
from mailroom.rendering.service import Message, RenderedReport, message_of
from mailroom.schedules.spec import ScheduleSpec
from mailroom.schedules.texts.values import values_at
from mailroom.states import ExecutionKind, ScheduleState
from mailroom.storage.artifacts import ArtifactStore
from mailroom.storage.tables import Artifact, Delivery, Execution, Schedule, User
from prefect_mailroom.channels.base import Parcel, ParcelFile
from prefect_mailroom.channels.registry import destination


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
        if any(store.find(file.sha256) is None for file in files):
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


def parcel(
    shipment: Shipment,
    delivery: Delivery,
    attempt: int,
    *,
    owner: Mapping[str, str] | None = None,
    left_out: Collection[str] = (),
    was_told: bool = False,
) -> Parcel:
    """Return the parcel of one attempt. Pure: the files are only named.

    Args:
        owner: what readers may know of the schedule's owner, see `owner_fact`.
        left_out: the members of a group who get nothing, though others of it do.
        was_told: whether its reader was told that the report does not come in time.
    """
    execution, plan = shipment.execution, shipment.plan
    target = without(destination(delivery.destination), left_out)
    ends_at = shipment.links.ends_at(delivery, target)
    return Parcel(
        key=delivery.key,
        attempt=attempt,
        recipient=delivery.recipient,
        destination=target,
        files=shipment.files,
        text=shipment.message.text,
        html=shipment.message.html,
        images=shipment.message.images,
        variables=values_at(
            execution.due_at,
            timezone=plan.timezone,
            report_id=plan.report_id,
            report_title=plan.report_title,
            schedule_name=plan.schedule_name,
            data_window=plan.data_window,
            parameters=plan.parameters,
            execution_id=execution.id,
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
            "filters": dict(plan.filters),
            "data_as_of": shipment.report.renderings[0].created_at.isoformat(),
            "next_due_at": next_due.isoformat() if (next_due := next_after(execution, shipment.schedule)) else None,
            **({"owner": dict(owner)} if owner else {}),
            **({"was_announced_late": True} if was_told else {}),
            **({"links_expire_at": ends_at.isoformat()} if ends_at else {}),
        },
        links=shipment.links.downloads(delivery, target, shipment.files),
        unsubscribe_url=shipment.links.unsubscribe(delivery, target),
        is_test=execution.kind is ExecutionKind.TEST,
    )


def next_after(execution: Execution, schedule: Schedule) -> datetime | None:
    """Return when the schedule is due next, after what this execution is for; None where nothing is planned. Pure."""
    coming = schedule.next_run if schedule.state is ScheduleState.ACTIVE else None
    return coming if coming is not None and coming > execution.due_at else None


def owner_fact(owner: User) -> dict[str, str]:
    """Return what readers may know of a schedule's owner. A program has a name, and no address to write to. Pure."""
    return {"name": owner.name, "email": "" if owner.is_service else owner.email}
