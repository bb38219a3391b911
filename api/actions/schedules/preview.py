"""Look at a timing before anything is stored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.actions.caller import Caller
from api.actions.schedules.present import warning_views
from api.actions.schedules.views import DueTimeView, PreviewView
from mailroom.calendars.service import chosen_calendar
from mailroom.errors import Invalid
from mailroom.executions.policy import Policy
from mailroom.limits.decide import limits_for
from mailroom.reports import repository as report_repository
from mailroom.reports.spec import Format, ReportDefinition, Slug
from mailroom.schedules import repository as stored
from mailroom.schedules.conflicts.survey import Draft, Timings, survey
from mailroom.schedules.forecast import forecast, jitter_faults
from mailroom.schedules.limits.checks import draft_faults
from mailroom.schedules.spec import read_targets
from mailroom.schedules.variables import template_faults
from mailroom.timing import Timing


class PreviewRequest(BaseModel):
    """A timing to preview. Add as much of the schedule as is known, so that conflicts can be found."""

    model_config = ConfigDict(extra="forbid")

    timing: Timing
    count: int = Field(default=10, ge=1, le=50)
    schedule_id: str | None = Field(
        default=None,
        max_length=80,
        description=("The id of the schedule that is being changed, so that it is not compared with itself."),
    )
    name: str = Field(default="", max_length=200)
    report_id: Slug | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    formats: list[Format] = Field(default_factory=list, max_length=7)
    destinations: list[dict[str, Any]] = Field(default_factory=list, max_length=50)
    policy: Policy = Policy()

    def draft(self) -> Draft:
        """Return this request as input for the conflict check.

        Raises:
            Invalid: naming what is wrong with the destinations.
        """
        return Draft(
            timing=self.timing,
            name=self.name,
            report_id=self.report_id,
            parameters=self.parameters,
            formats=self.formats,
            targets=read_targets(self.destinations),
            overlap=self.policy.overlap,
            schedule_id=self.schedule_id,
        )


async def preview(caller: Caller, wanted: PreviewRequest, others: Timings | None = None) -> PreviewView:
    """Return the next due times and what to know about them; what is shown is what will run.

    Args:
        others: the timings of all schedules but this one, if they were read already.

    Raises:
        Invalid: the timing or a variable would be refused when saved, or a destination is wrong.
    """
    draft, context, jitter = wanted.draft(), caller.context, wanted.policy.jitter
    async with caller.session() as session:
        if draft.schedule_id and not await stored.is_visible(session, draft.schedule_id, viewer=caller.viewer):
            draft = replace(draft, schedule_id=None)  # What its runs took is nothing for this caller.
        business = await chosen_calendar(session, wanted.timing.calendar, viewer=context.viewer)
        report = None
        if wanted.report_id and wanted.destinations:
            report = await report_repository.find(session, wanted.report_id, viewer=context.viewer)
    limits = limits_for(context.user, context.settings)
    faults = draft_faults(wanted.timing, draft.targets, limits, business, now=context.now)
    faults += jitter_faults(jitter, wanted.timing, business, now=context.now)
    if report is not None:
        definition = ReportDefinition.model_validate(report.definition)
        faults += template_faults(draft.targets, definition, wanted.parameters, wanted.timing.timezone)
    if faults:
        raise Invalid(faults)
    ahead = forecast(wanted.timing, business, now=context.now, count=wanted.count, jitter=jitter)
    async with caller.session() as session:
        conflicts = await survey(
            session, draft, context.viewer, now=context.now, settings=context.settings, timings=others
        )
    due = [DueTimeView.model_validate(one) for one in ahead.due]
    return PreviewView(words=ahead.words, next_runs=due, warnings=warning_views([*ahead.warnings, *conflicts]))
