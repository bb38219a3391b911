"""The first step of a draft: which report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Response

from api.actions.reports import actions as reports
from api.actions.reports.views import ReportSummary
from api.web.forms import Form
from api.web.visitor import Visitor
from api.web.wizard.opened import Opened
from api.web.wizard.saving import step_router
from api.web.wizard.showing import errors, show, summary
from api.web.wizard.step import REPORT
from api.web.wizard.steps import report_view
from mailroom.errors import Fault
from mailroom.reports.spec import ReportDefinition

TEMPLATE = "wizard/steps/report.html"


def read(form: Form, _report: ReportDefinition | None) -> dict[str, Any]:
    """Return the part as it was entered; empty where nothing is chosen."""
    chosen = form.text(report_view.NAME)
    return {"report_id": chosen} if chosen else {}


def place(_fault: Fault) -> str:
    """Return the field of a fault: there is one."""
    return report_view.NAME


def say(fault: Fault, value: Mapping[str, Any]) -> str:
    """Return what is wrong in the words of this step."""
    chosen = value.get("report_id")
    return f"“{chosen}” is no longer there. Choose another." if chosen else "Choose a report."


NOT_CHOSEN = Fault("report_id", "Choose a report.")


async def catalog(visitor: Visitor, search: str, chosen: str) -> Sequence[ReportSummary]:
    """Return the reports that match a search, and the one that is chosen."""
    found = list((await reports.every(visitor.caller, search=search or None)).items)
    if chosen and search and all(one.id != chosen for one in found):
        found += [one for one in (await reports.every(visitor.caller)).items if one.id == chosen]
    return found


async def page(opened: Opened) -> Response:
    """Return the page of this step."""
    search = opened.visitor.request.query_params.get("q", "")[:200]
    chosen = str(opened.value.get("report_id") or "")
    faults = [*opened.faults]
    if opened.status == 422 and not chosen:
        faults = [NOT_CHOSEN]

    def words(fault: Fault) -> str:
        return say(fault, opened.value)

    found = await catalog(opened.visitor, search, chosen)
    wrong = errors(faults, place, words)
    view = report_view.view(found, chosen=chosen, errors=wrong.get(report_view.NAME, ()), search=search)
    return await show(opened, TEMPLATE, faults=summary(faults, place, words), view=view)


router = step_router(REPORT, read, page)
