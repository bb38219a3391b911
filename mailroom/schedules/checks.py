"""Refuse a schedule that can never run, or whose deliveries would all fail, when it is saved."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer, viewer_of
from mailroom.calendars.service import chosen_calendar
from mailroom.connections import grants
from mailroom.connections import repository as connection_repository
from mailroom.connections.kinds import is_channel
from mailroom.context import Context
from mailroom.errors import Fault, Invalid
from mailroom.limits.decide import limits_for
from mailroom.recipients import repository as recipients
from mailroom.recipients.service import LEAVE_OUT, ON_THE_LIST
from mailroom.reports import repository as report_repository
from mailroom.reports.parameters import ParametersInvalid, check_parameters
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules.conditions.checks import column_faults, condition_faults
from mailroom.schedules.forecast import jitter_faults
from mailroom.schedules.limits.checks import limit_faults
from mailroom.schedules.spec import ScheduleSpec
from mailroom.schedules.variables import template_faults
from mailroom.storage.tables import Connection, User
from mailroom.timing import BusinessCalendar
from prefect_mailroom.channels.base import Destination
from prefect_mailroom.channels.registry import destination_type


async def check(
    session: AsyncSession,
    spec: ScheduleSpec,
    context: Context,
    *,
    owner: User | None = None,
    before: ScheduleSpec | None = None,
    known_recipients: bool = False,
    lock: bool = True,
) -> BusinessCalendar:
    """Refuse what can never run; return the schedule's calendar. Calendar and report stay as they are meanwhile.

    Args:
        owner: whose schedule it is, where that is not the caller: the connections must be the owner's to use, and the
            owner's limits hold.
        before: what the schedule is until now, see `limit_faults`.
        known_recipients: whether nobody is new among the recipients, so that the list of suppressions is not asked.
        lock: whether calendar and report are kept as they are; False for a look at what is not saved yet.

    Raises:
        Invalid: naming every fault.
    """
    faults: list[Fault] = []
    business = BusinessCalendar()
    try:
        business = await chosen_calendar(session, spec.timing.calendar, viewer=context.viewer, lock=lock)
    except Invalid as error:
        faults += error.faults
    limits = limits_for(owner or context.user, context.settings)
    faults += limit_faults(spec, limits, business, now=context.now, before=before)
    faults += jitter_faults(spec.policy.jitter, spec.timing, business, now=context.now)
    theirs, targets = viewer_of(owner) if owner else context.viewer, spec.targets()
    faults += await _target_faults(session, targets, context.viewer, theirs)
    if not known_recipients:
        faults += await _recipient_faults(session, targets)
    report = await report_repository.find(session, spec.report_id, viewer=context.viewer, lock=lock)
    if report is None:
        message = f"names the report '{spec.report_id}', which does not exist."
        faults.append(Fault("report_id", message, "GET /api/v1/reports lists them.", code="no_report"))
    else:
        definition = ReportDefinition.model_validate(report.definition)
        faults += report_faults(spec, definition)
        faults += await column_faults(session, spec.condition, definition)
    if faults:
        raise Invalid(faults)
    return business


def report_faults(spec: ScheduleSpec, definition: ReportDefinition) -> list[Fault]:
    """Return what of a schedule its report does not have or take: formats, parameters, variables, condition. Pure."""
    faults = [
        Fault(
            f"formats.{index}",
            f"'{wanted}' is not made by this report.",
            f"Choose from: {', '.join(definition.formats)}.",
        )
        for index, wanted in enumerate(spec.formats)
        if wanted not in definition.formats
    ]
    faults += condition_faults(spec.condition, definition)
    faults += template_faults(spec.targets(), definition, spec.parameters, spec.timing.timezone)
    try:
        check_parameters(definition.parameters, spec.parameters)
    except ParametersInvalid as error:
        faults += [Fault(f"parameters.{problem.field}", problem.message) for problem in error.problems]
    return faults


async def _recipient_faults(session: AsyncSession, targets: list[Destination]) -> list[Fault]:
    """Return each address of the destinations that nothing is ever sent to."""
    people = {address for target in targets for address in target.addresses()}
    listed = await recipients.suppressed_among(session, people)
    return [
        Fault(f"destinations.{index}", f"names '{address}', which {ON_THE_LIST}.", LEAVE_OUT)
        for index, target in enumerate(targets)
        for address in target.addresses()
        if address in listed
    ]


async def _target_faults(
    session: AsyncSession, targets: list[Destination], viewer: Viewer, owner: Viewer
) -> list[Fault]:
    names = [name for target in targets for name in target.connections()]
    known = await connection_repository.named(session, names, viewer=viewer)
    barred = await grants.not_usable(session, known, viewer=owner) if owner.user_id != viewer.user_id else ()
    faults = []
    for index, target in enumerate(targets):
        row = known.get(target.connection)
        place = f"destinations.{index}.connection"
        if row is None:
            message = f"names the connection '{target.connection}', which does not exist."
            faults.append(Fault(place, message, "GET /api/v1/connections lists them.", code="no_connection"))
        elif row.name in barred:
            message = f"names the connection '{row.name}', which the owner of the schedule may not use."
            faults.append(Fault(place, message, "Grant it to the owner first, or choose another one."))
        elif row.kind != target.channel:
            message = f"names '{target.connection}', which is of kind {row.kind}, not {target.channel}."
            faults.append(Fault(place, message, "Choose a connection of the destination's channel."))
        if name := target.links_connection():
            faults += _store_faults(f"destinations.{index}.links_from", name, known.get(name), barred)
    return faults


def _store_faults(place: str, name: str, row: Connection | None, barred: Collection[str]) -> list[Fault]:
    """Return what keeps links from leading to the store of a connection. Pure."""
    if row is None:
        message = f"names the connection '{name}', which does not exist."
        return [Fault(place, message, "GET /api/v1/connections lists them.", code="no_connection")]
    if name in barred:
        message = f"names the connection '{name}', which the owner of the schedule may not use."
        return [Fault(place, message, "Grant it to the owner first, or choose another one.")]
    if not (is_channel(row.kind) and destination_type(row.kind).keeps_for_links):
        message = f"names '{name}', which is of kind {row.kind} and signs no links to files."
        return [Fault(place, message, "Choose a connection of an object store, or none for Mailroom's own links.")]
    return []
