"""Find what is wrong with a draft, part by part, by the checks of a schedule that is saved.

A part that is missing or wrong keeps the others from nothing: it is checked without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as users
from mailroom.context import Context
from mailroom.drafts.spec import FIELDS, Part, part_of
from mailroom.errors import Fault, Invalid
from mailroom.executions.conditions.spec import Condition
from mailroom.executions.policy import Policy
from mailroom.reports import repository as reports
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules import repository as schedules
from mailroom.schedules.checks import check
from mailroom.schedules.spec import ScheduleSpec, in_zone, read_targets, readable_spec
from mailroom.storage.tables import User
from mailroom.timing.model import TIMING

_NO_NAME, _NO_REPORT = "-", ""
"""Stand for what a draft does not have yet; no report has this id."""
_DAILY = {"frequency": "daily", "at": "09:00"}


async def faults_of(
    session: AsyncSession, body: Mapping[str, Any], context: Context, *, schedule_id: str | None = None
) -> list[Fault]:
    """Return the faults of what is there of a schedule's body; what is missing is no fault.

    Args:
        schedule_id: the schedule that the draft changes, whose owner's rights and limits then hold.
    """
    given = in_zone(dict(body), context.user.timezone)
    faults = shape_faults(given)
    wrong = {part_of(fault.field) for fault in faults}
    sound = {name: value for name, value in given.items() if part_of(name) not in wrong}
    stand_in = {Part(part) for part, names in FIELDS.items() if not any(name in sound for name in names)}
    owner, before = await _changed(session, schedule_id, context)
    report = None
    if "report_id" in sound:
        report = await reports.find(session, sound["report_id"], viewer=context.viewer)
    formats = ReportDefinition.model_validate(report.definition).formats[:1] if report else ["pdf"]
    spec = ScheduleSpec.model_construct(
        name=sound.get("name", _NO_NAME),
        report_id=sound.get("report_id", _NO_REPORT),
        timing=TIMING.validate_python(sound.get("timing", _DAILY)),
        parameters=sound.get("parameters", {}),
        formats=sound.get("formats", formats),
        destinations=sound.get("destinations", []),
        condition=Condition.model_validate(sound.get("condition", {})),
        policy=Policy.model_validate(sound.get("policy", {})),
    )
    try:
        await check(session, spec, context, owner=owner, before=before, lock=False)
    except Invalid as error:
        found = [fault for fault in error.faults if part_of(fault.field) not in stand_in]
        if report is None:  # Everything else that a report decides would follow from there being none.
            found = [fault for fault in found if part_of(fault.field) is not Part.PARAMETERS]
        faults += found
    return faults


def shape_faults(body: Mapping[str, Any]) -> list[Fault]:
    """Return what of the fields that are there cannot be read at all. Pure."""
    faults: list[Fault] = []
    try:
        ScheduleSpec.model_validate(dict(body))
    except ValidationError as error:
        found = Invalid.from_validation(error, model=ScheduleSpec).faults
        faults = [fault for fault in found if fault.field.partition(".")[0] in body]
    destinations = body.get("destinations")
    if isinstance(destinations, list) and not any(fault.field.startswith("destinations") for fault in faults):
        try:
            read_targets(destinations)
        except Invalid as error:
            faults += error.faults
    return faults


async def _changed(
    session: AsyncSession, schedule_id: str | None, context: Context
) -> tuple[User | None, ScheduleSpec | None]:
    """Return the owner of the schedule that is changed, and what it is until now."""
    if schedule_id is None or not await schedules.is_visible(session, schedule_id, viewer=context.viewer):
        return None, None
    row = await schedules.find(session, schedule_id)
    assert row is not None, "it is visible"
    return await users.find(session, row.user_id), readable_spec(row)
