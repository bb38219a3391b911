"""Make views of stops and of what waits for them."""

from __future__ import annotations

from api.actions.stops.views import ResumeView, StopView, WaitingRecipient, WaitingSchedule, WaitingView
from mailroom.releases.preview import FIRST, Part
from mailroom.releases.service import Resumption
from mailroom.stops.spec import ResumeRequest


def resume_view(wanted: ResumeRequest, found: Resumption) -> ResumeView:
    """Return what was resumed, or would be."""
    return ResumeView(
        dry_run=wanted.dry_run,
        lifted=[StopView.model_validate(one) for one in found.lifted],
        still_standing=[StopView.model_validate(one) for one in found.still_standing],
        would_go=_waiting(found.preview.would_go),
        too_late=_waiting(found.preview.too_late),
        due_before_restoration=_waiting(found.preview.due_before_restoration),
        complete=found.preview.complete,
        what_was_due=wanted.what_was_due,
    )


def _waiting(part: Part) -> WaitingView:
    return WaitingView(
        executions=part.executions,
        deliveries=part.deliveries,
        schedules=[
            WaitingSchedule(id=key, name=name, executions=count)
            for (key, name), count in part.by_schedule.most_common(FIRST)
        ],
        recipients=[
            WaitingRecipient(recipient=name, deliveries=count) for name, count in part.by_recipient.most_common(FIRST)
        ],
    )
