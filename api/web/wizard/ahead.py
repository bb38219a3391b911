"""Look ahead: what a timing means, compared with other schedules as far as the draft is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from api.actions.drafts.views import DraftView
from api.actions.schedules.preview import PreviewRequest, preview
from api.actions.schedules.views import PreviewView
from api.web.visitor import Visitor
from mailroom.drafts.spec import Part
from mailroom.errors import Invalid

_KNOWN = ("name", "report_id", "parameters", "formats", "destinations")


async def ahead(
    visitor: Visitor,
    draft: DraftView,
    timing: Mapping[str, Any],
    policy: Mapping[str, Any],
    others: Mapping[str, int] | None = None,
) -> PreviewView:
    """Return the next due times of a timing, and warnings.

    Args:
        others: the timings of all schedules but the draft's, if they were read already.

    Raises:
        Invalid: naming what is wrong with the timing or the policy.
    """
    wanted: dict[str, Any] = {"timing": timing, "policy": policy, "schedule_id": draft.schedule_id}
    if not any(draft.faults_in(part) for part in Part if part is not Part.TIMING):
        wanted |= {name: value for name, value in draft.body().items() if name in _KNOWN}
    try:
        request = PreviewRequest.model_validate(wanted)
    except ValidationError as error:
        raise Invalid.from_validation(error, model=PreviewRequest) from error
    return await preview(visitor.caller, request, others)
