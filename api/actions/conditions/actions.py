"""Look back: would the last runs of a schedule have been sent under a condition?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from api.actions.caller import Caller
from api.actions.conditions.views import LookBackView, WouldBeView
from mailroom.errors import Invalid
from mailroom.executions.conditions.spec import Condition
from mailroom.executions.conditions.words import condition_words
from mailroom.executions.reason_words import words
from mailroom.passes.conditions.look_back import WouldBe
from mailroom.passes.conditions.look_back import look_back as of_schedule
from mailroom.reports import repository as reports
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules import repository as schedules
from mailroom.schedules.conditions.checks import condition_faults, known_columns
from mailroom.schedules.spec import stored_spec

_UNKNOWN = {
    "not_rendered": "Nothing is kept of its data: it was not rendered, or by an earlier version of Mailroom.",
    "not_kept": "What is kept of its data does not say.",
    "no_query": "Its data had no query of this name.",
    "no_column": "Its data had no column of this name.",
    "not_comparable": "Its values cannot be compared with this one.",
}


async def look_back(caller: Caller, schedule_id: str, condition: Condition | None) -> LookBackView:
    """Return what a condition says of the last runs of a schedule; without one, the schedule's own.

    Raises:
        NotFound: there is no such schedule.
        Invalid: the report has no rows, or no query, that the condition asks about.
    """
    async with caller.session() as session:
        row = await schedules.get(session, schedule_id, viewer=caller.viewer)
        wanted = condition or stored_spec(row).condition
        report = await reports.find(session, row.report_id, viewer=caller.viewer)
        if report is not None and (
            faults := condition_faults(wanted, ReportDefinition.model_validate(report.definition))
        ):
            raise Invalid(faults)
        found = await of_schedule(session, schedule_id, wanted, viewer=caller.viewer)
    return LookBackView(
        condition=wanted.model_dump(mode="json"),
        words=condition_words(wanted),
        would_be_sent=sum(one.sent is True for one in found),
        would_not_be_sent=sum(one.sent is False for one in found),
        not_known=sum(one.sent is None for one in found),
        runs=[_view(one) for one in found],
    )


async def columns(caller: Caller, definition: ReportDefinition) -> Mapping[str, Sequence[str]]:
    """Return the columns of each query of a report, as far as they are known."""
    async with caller.session() as session:
        return await known_columns(session, definition)


def _view(one: WouldBe) -> WouldBeView:
    return WouldBeView(
        execution_id=one.run.id,
        due_at=one.run.due_at,
        status=one.run.state,
        sent=one.sent,
        reason=words(one.reason) if one.reason else _UNKNOWN.get(one.unknown, ""),
        reason_code=str(one.reason.code) if one.reason else None,
        reason_values=dict(one.reason.values) if one.reason else {},
        unknown=one.unknown or None,
    )
