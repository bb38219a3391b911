"""The first step before there is a draft: nothing is stored until the visitor continues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fastapi import Response

from api.actions.drafts import actions as drafts
from api.actions.drafts.actions import Beginning
from api.actions.reports import actions as reports
from api.actions.schedule_templates import actions as templates
from api.actions.schedules import reads as schedules
from api.web import notices, page
from api.web.fields.read import data
from api.web.forms import Form, nest
from api.web.once import once
from api.web.parts import Link
from api.web.visitor import Visitor
from api.web.wizard.frame import Frame, StepLine
from api.web.wizard.opened import next_step
from api.web.wizard.showing import errors, summary
from api.web.wizard.step import REPORT, STEPS, address, after, number
from api.web.wizard.steps import report as step
from api.web.wizard.steps import report_view
from mailroom.errors import Fault, Forbidden, NotFound
from mailroom.storage.database import new_id

_PARAM = "param."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Hold what a link, or the form, begins a schedule with.

    Attributes:
        copied: the id of a schedule to begin from, and `name` its name.
        parameters: values of parameters as texts, by name.
    """

    report: str = ""
    template: str = ""
    copied: str = ""
    search: str = ""
    parameters: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, visitor: Visitor, report: str | None, template: str | None, copied: str | None, search: str) -> Wanted:
        """Return what a link carries."""
        query = visitor.request.query_params.multi_items()
        return cls(
            report=report or visitor.request.query_params.get(report_view.NAME, "")[:80],
            template=template or "",
            copied=copied or "",
            search=search,
            parameters=tuple((name.removeprefix(_PARAM), text) for name, text in query if name.startswith(_PARAM)),
        )

    @classmethod
    def sent(cls, form: Form) -> Wanted:
        """Return what the form carries."""
        found = tuple((name.removeprefix(_PARAM), text) for name, text in form.pairs if name.startswith(_PARAM))
        return cls(
            report=form.text(report_view.NAME),
            template=form.text("template"),
            copied=form.text("from"),
            parameters=found,
        )

    def hidden(self) -> tuple[tuple[str, str], ...]:
        """Return what the form carries along."""
        found = [(f"{_PARAM}{name}", text) for name, text in self.parameters]
        if self.copied:
            found.append(("from", self.copied))
        return tuple(found)


async def show(visitor: Visitor, wanted: Wanted, faults: tuple[Fault, ...] = (), status: int = 200) -> Response:
    """Return the first step with nothing stored."""
    copied = ""
    if wanted.copied:
        source = await schedules.read(visitor.caller, wanted.copied)
        copied = source.name
        wanted = replace(wanted, report=wanted.report or source.report_id)
    wanted = await _with_template(visitor, wanted)
    listed = await step.catalog(visitor, wanted.search, wanted.report)
    if wanted.report and not faults and all(one.id != wanted.report for one in listed):
        faults = (Fault("report_id", "It is gone."),)

    def words(fault: Fault) -> str:
        return step.say(fault, {"report_id": wanted.report})

    wrong = errors(faults, step.place, words)
    view = report_view.view(
        listed,
        chosen=wanted.report,
        errors=wrong.get(report_view.NAME, ()),
        search=wanted.search,
        templates=(await templates.every(visitor.caller)).items,
        template=wanted.template,
        hidden=wanted.hidden(),
        copied=copied,
    )
    around = _frame(copied)
    lines = tuple(summary(faults, step.place, words))
    return await page.render(
        visitor,
        "wizard/new.html",
        title=f"{'Error: ' if lines else ''}{around.question}",
        status=status,
        frame=replace(around, faults=lines),
        view=view,
        once=new_id(),
    )


async def begin(visitor: Visitor, form: Form) -> Response:
    """Make the draft, and lead to the next step."""
    wanted = await _with_template(visitor, Wanted.sent(form))
    if not wanted.report and form.text("go") != "close":
        return await show(visitor, wanted, (step.NOT_CHOSEN,), 422)
    body: dict[str, Any] = {"report_id": wanted.report} if wanted.report else {}
    if wanted.parameters:
        parameters = await _parameters(visitor, wanted)
        if parameters is None:
            return await show(visitor, wanted, (Fault("report_id", "It is gone."),), 422)
        body["parameters"] = parameters
    beginning = Beginning(
        body, template=None if wanted.copied else wanted.template or None, copies=wanted.copied or None
    )
    made = await once(visitor, form, lambda remember: drafts.create(visitor.caller, beginning, remember))
    draft = await drafts.read(visitor.caller, str(made["id"]))
    if form.text("go") == "close":
        link = Link(address(draft.id, REPORT), "Go on with it")
        await notices.add(visitor, "The draft is saved.", link=link)
        return page.see(visitor, "/schedules?view=drafts")
    if draft.faults_in(REPORT.part):
        return page.see(visitor, f"{address(draft.id, REPORT)}?faults=1")
    return page.see(visitor, address(draft.id, next_step(draft) if wanted.copied else after(REPORT)))


async def _with_template(visitor: Visitor, wanted: Wanted) -> Wanted:
    """Return what is wanted with the report of its template, where it names none itself."""
    if wanted.report or wanted.copied or not wanted.template:
        return wanted
    every = (await templates.every(visitor.caller)).items
    body = next((one.body for one in every if one.id == wanted.template), {})
    return replace(wanted, report=str(body.get("report_id") or ""))


async def _parameters(visitor: Visitor, wanted: Wanted) -> Mapping[str, Any] | None:
    """Return the parameters of a link as the report's schema has them; None where there is no such report."""
    try:
        report = await reports.read(visitor.caller, wanted.report)
    except (NotFound, Forbidden):
        return None
    schema = report.definition.get("parameters", {})
    known = schema.get("properties", {})
    lists = {name for name, one in known.items() if one.get("type") == "array"}
    pairs = [(f"{name}-" if name in lists else name, text) for name, text in wanted.parameters if "-" not in name]
    given = nest(pairs)
    read = data(schema, given, skip=frozenset(known) - set(given))
    # What the report does not know is kept as it came, so that the third step says so.
    return {**given, **read}


def _frame(copied: str) -> Frame:
    lines = tuple(StepLine(number(one), one.term, "", "", one is REPORT, done=False, faulty=False) for one in STEPS)
    return Frame(
        draft_id="",
        version=0,
        action="/schedules/new",
        question=f"Duplicate {copied}" if copied else REPORT.question,
        place=f"Step 1 of {len(STEPS)}",
        back=Link("/schedules", "Schedules"),
        lines=lines,
        saved="",
        faults=(),
        waits=None,
        waits_words="",
        kept="",
        gone=None,
        from_review=False,
        may_save=True,
        continue_words="Continue",
    )
