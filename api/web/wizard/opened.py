"""Open a step: read the draft, the report, and what was kept of a form that came with an expired session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from api.actions.drafts import actions as drafts
from api.actions.drafts.views import DraftView
from api.actions.reports import actions as reports
from api.actions.reports.views import ReportView
from api.web.forms import Form
from api.web.visitor import Visitor
from api.web.wizard.step import REVIEW, STEPS, Step
from mailroom.drafts.spec import Part
from mailroom.errors import Fault, Forbidden, NotFound
from mailroom.reports.spec import ReportDefinition

Reader = Callable[[Form, ReportDefinition | None], Mapping[str, Any]]
"""Makes the value of a part from the form of its step; the report is None where the draft has none."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A step as it is shown.

    Attributes:
        value: what the form shows: what was kept of an expired session, what was just sent, or what is saved.
        version: the version of the draft that the form is based on.
        kept_at: when the form came that is shown, if it came with an expired session.
        faults: what is wrong with the part.
        status: the status of the answer.
        from_review: whether Continue leads back to the last step.
        form: what was just sent, if anything was.
    """

    visitor: Visitor
    draft: DraftView
    step: Step
    report: ReportView | None
    value: Mapping[str, Any]
    version: int
    kept_at: datetime | None = None
    faults: Sequence[Fault] = ()
    status: int = 200
    from_review: bool = False
    form: Form | None = None

    @property
    def definition(self) -> ReportDefinition | None:
        """Return the report of the draft, or None."""
        return ReportDefinition.model_validate(self.report.definition) if self.report else None

    @property
    def is_edit(self) -> bool:
        """Return whether the draft changes a schedule."""
        return self.draft.schedule_id is not None

    @property
    def waits_for(self) -> Part | None:
        """Return the first part that this step needs and that is not there."""
        there = set(self.draft.parts) - set(self.draft.missing)
        if self.report is None:
            there.discard(Part.REPORT)
        return next((part for part in self.step.waits_for if part not in there), None)


async def open_step(visitor: Visitor, draft_id: str, step: Step, read: Reader) -> Opened:
    """Return a step of a draft.

    Raises:
        NotFound: there is no such draft for this visitor.
    """
    draft = await drafts.read(visitor.caller, draft_id)
    opened = await opened_with(visitor, draft, step)
    if visitor.request.query_params.get("faults") == "1":
        opened = replace(opened, faults=draft.faults_in(step.part))
    kept = await drafts.unsaved(visitor.caller, draft_id, step.part)
    if kept is None:
        return opened
    form = Form(tuple(kept.pairs))
    value = read(form, opened.definition)
    return replace(opened, value=value, version=version_in(form, draft.version), kept_at=kept.at)


async def opened_with(visitor: Visitor, draft: DraftView, step: Step) -> Opened:
    """Return a step of a draft that was read already."""
    part = draft.parts.get(step.part)
    return Opened(
        visitor=visitor,
        draft=draft,
        step=step,
        report=await report_of(visitor, draft),
        value=part.value if part else {},
        version=draft.version,
        from_review=visitor.request.query_params.get("from") == "review",
    )


async def report_of(visitor: Visitor, draft: DraftView) -> ReportView | None:
    """Return the report of a draft, if there is one and the visitor may see it."""
    report_id = draft.body().get("report_id")
    if not isinstance(report_id, str) or not report_id:
        return None
    try:
        return await reports.read(visitor.caller, report_id)
    except (NotFound, Forbidden):
        return None


def version_in(form: Form, default: int) -> int:
    """Return the version that a form is based on. Pure."""
    given = form.text("version")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else default


def next_step(draft: DraftView) -> Step:
    """Return the first step whose part is missing, or the last one. Pure."""
    return next((step for step in STEPS if step.part in draft.missing and step is not REVIEW), REVIEW)
