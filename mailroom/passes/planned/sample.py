"""Make the parcel of a schedule that is not stored, from a report that was rendered for nobody else.

It goes the way of every parcel, so that a preview shows what a delivery brings. Nothing of it is stored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mailroom.links.maker import NO_LINKS, LinkMaker, link_maker
from mailroom.passes.planned.plan import Plan
from mailroom.passes.planned.shipment import Shipment, owner_fact, parcel
from mailroom.rendering.document.filters import filters_of
from mailroom.rendering.job import RenderResult
from mailroom.rendering.service import Message, RenderedReport
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules.spec import ScheduleSpec
from mailroom.settings import Settings
from mailroom.states import ExecutionKind, ScheduleState
from mailroom.storage.database import new_id
from mailroom.storage.tables import Artifact, Delivery, Execution, Rendering, Schedule, User
from mailroom.timing.model import Immediate
from prefect_mailroom.channels.base import Destination, InlineImage, Parcel, ParcelFile

SAMPLE = "00000000-0000-0000-0000-000000000000"
"""The id of what is not stored: no row ever has it, so the links of its parcel lead to nothing."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A schedule that is not stored, at one of its due times.

    Attributes:
        parameters: the final values, with relative dates resolved.
        owner: who the parcel names as the schedule's owner; None where there is nobody to name.
        next_due_at: the due time after it; None where there is none.
    """

    definition: ReportDefinition
    name: str
    timezone: str
    parameters: dict[str, Any]
    due_at: datetime
    owner: User | None = None
    next_due_at: datetime | None = None


def sample_parcel(
    sample: Sample, result: RenderResult, target: Destination, *, settings: Settings, now: datetime, is_test: bool
) -> Parcel:
    """Return the parcel for the first recipient. Blocking: it reads the message.

    Args:
        result: what was rendered; its files stay where they are.
    """
    execution = Execution(
        id=new_id() if is_test else SAMPLE,
        kind=ExecutionKind.TEST if is_test else ExecutionKind.SCHEDULED,
        due_at=sample.due_at,
    )
    recipient = target.recipients()[0]
    delivery = Delivery(
        id=SAMPLE,
        key=f"{'test' if is_test else SAMPLE}-{new_id()}",
        destination=target.model_dump(mode="json"),
        recipient=recipient,
        created_at=now,
    )
    links = _links(settings, now, is_test=is_test)
    shipment = sample_shipment(sample, result, execution, schedule_id=SAMPLE, now=now, links=links)
    return parcel(shipment, delivery, 1, owner=owner_fact(sample.owner) if sample.owner else None)


def sample_shipment(
    sample: Sample,
    result: RenderResult,
    execution: Execution,
    *,
    schedule_id: str,
    now: datetime,
    links: LinkMaker = NO_LINKS,
) -> Shipment:
    """Return what the deliveries of an execution that is not stored have in common. Blocking: it reads the message.

    Args:
        result: what was rendered; its files stay where they are.
        now: when it was rendered, which readers are told.
    """
    files = tuple(
        ParcelFile(file.path, file.filename, file.media_type, file.size, file.sha256) for file in result.files
    )
    rendering = Rendering(
        id=SAMPLE, artifact_ids=[], result={"rows": result.rows, "figures": result.figures}, created_at=now
    )
    schedule = Schedule(id=schedule_id, name=sample.name, state=ScheduleState.ACTIVE, next_run=sample.next_due_at)
    return Shipment(
        execution=execution,
        schedule=schedule,
        # Nothing of a parcel comes from the spec: the plan has all that is fixed.
        spec=_spec(sample),
        plan=_plan(sample),
        report=RenderedReport((rendering,)),
        files=files,
        message=_message(result),
        links=links,
    )


def _spec(sample: Sample) -> ScheduleSpec:
    timing = Immediate(frequency="immediate", timezone=sample.timezone)
    return ScheduleSpec.model_construct(
        name=sample.name, report_id=sample.definition.id, timing=timing, formats=[], destinations=[]
    )


def _plan(sample: Sample) -> Plan:
    definition = sample.definition
    return Plan(
        report_id=definition.id,
        report_title=definition.title,
        report_version=definition.version,
        data_window=definition.data_window,
        schedule_name=sample.name,
        timezone=sample.timezone,
        parameters=sample.parameters,
        renderings=(),
        filters=tuple(filters_of(definition, sample.parameters, ZoneInfo(sample.timezone))),
    )


def _message(result: RenderResult) -> Message:
    images = tuple(InlineImage(name, "image/png", path.read_bytes()) for name, path in result.mail_images.items())
    return Message(result.mail_html, result.mail_text, images)


def _links(settings: Settings, now: datetime, *, is_test: bool) -> LinkMaker:
    """Return what makes links as they will be. They lead to a page that says that there is nothing (yet)."""
    until = now + timedelta(days=settings.artifact_days)
    maker = link_maker(settings, [Artifact(expires_at=until)])
    # A program would follow the header of a mail; nobody can stop what has not begun.
    return replace(maker, unsubscribes=False) if is_test else maker
