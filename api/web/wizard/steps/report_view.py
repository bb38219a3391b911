"""Make the first step: which report, and what to start from. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.actions.reports.views import ReportSummary
from api.actions.schedule_templates.views import TemplateView
from api.web.parts import Empty, Field, Link, Option
from api.web.words import count

NAME = "report_id"
MOST = 60
"""Cards that one page shows; the search finds the others."""
_SHORT = 140


@dataclass(frozen=True, slots=True)
class ReportStep:
    """The first step.

    Attributes:
        search: what the cards are narrowed to.
        shown: how many of how many there are, where not all are shown.
        templates: what to start from; None for a draft that is there already.
        hidden: what the form carries along, such as parameters of a link.
        copied: the name of the schedule that is duplicated.
    """

    search: str
    shown: str
    cards: Field | None
    templates: Field | None
    hidden: tuple[tuple[str, str], ...]
    empty: Empty | None
    copied: str


def view(
    reports: Sequence[ReportSummary],
    *,
    chosen: str,
    errors: tuple[str, ...] = (),
    search: str = "",
    templates: Sequence[TemplateView] | None = None,
    template: str = "",
    hidden: Sequence[tuple[str, str]] = (),
    copied: str = "",
) -> ReportStep:
    """Return the first step.

    Args:
        reports: those that match the search, and the chosen one.
    """
    if not chosen and len(reports) == 1 and not search:
        chosen = reports[0].id
    ordered = sorted(reports, key=lambda one: one.id != chosen)[:MOST]
    shown = (
        f"{count(len(ordered), 'report')} of {len(reports):,}; search for the others." if len(reports) > MOST else ""
    )
    options = tuple(_card(one) for one in ordered)
    cards = Field(NAME, "Report", "cards", chosen, options, errors=errors) if options or errors else None
    return ReportStep(
        search=search,
        shown=shown,
        cards=cards,
        templates=_start(templates, template) if templates is not None and not copied else None,
        hidden=tuple(hidden),
        empty=None if options else _empty(search),
        copied=copied,
    )


def _card(one: ReportSummary) -> Option:
    formats = ", ".join(name.upper() for name in one.formats)
    used = f"used by {count(one.used_by, 'schedule')}" if one.used_by else ""
    text = one.description if len(one.description) <= _SHORT else f"{one.description[: _SHORT - 1].rstrip()}…"
    facts = " · ".join(filter(None, [formats, used]))
    hint = f"{text}\n{facts}" if text else facts
    return Option(one.id, one.title, hint, picture=f"/reports/{one.id}/picture")


def _start(templates: Sequence[TemplateView], chosen: str) -> Field:
    options = [Option("", "Blank", "Everything is asked for, step by step.")]
    options += [Option(one.id, one.title, one.description) for one in templates]
    known = {option.value for option in options}
    return Field("template", "Start from", "radios", chosen if chosen in known else "", tuple(options))


def _empty(search: str) -> Empty:
    if search:
        return Empty("No report matches", f"Nothing is called “{search}”.", (Link("?", "Clear the search"),))
    return Empty(
        "No reports yet",
        "A report is what is sent: a query or a program, and how it looks. An admin adds a folder of them.",
        (Link("/reports", "Go to the reports"),),
    )
