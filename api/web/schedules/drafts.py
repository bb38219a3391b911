"""Make the list of drafts, which is one of the views of schedules. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from api.actions.drafts.views import DraftSummary
from api.actions.view import PageView
from api.web.parts import Moment, Pager
from api.web.schedules.asked import Asked
from api.web.visitor import Visitor


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A draft of the list."""

    href: str
    name: str
    about: str
    changed: Moment
    kept: Moment
    delete: str


@dataclass(frozen=True, slots=True)
class DraftList:
    """The drafts on a page."""

    rows: tuple[DraftRow, ...]
    pager: Pager


def draft_list(found: PageView[DraftSummary], visitor: Visitor) -> DraftList:
    """Return the drafts as this visitor sees them."""
    rows = tuple(_row(one, visitor) for one in found.items)
    following = Asked(view="drafts").link(cursor=found.next_cursor) if found.next_cursor else ""
    return DraftList(rows, Pager("", following))


def _row(one: DraftSummary, visitor: Visitor) -> DraftRow:
    when = visitor.when
    about = f"Report: {one.report_id}" if one.report_id else "No report is chosen yet"
    if one.schedule_id:
        about = "Changes a schedule"
    return DraftRow(
        href=f"/drafts/{one.id}",
        name=one.name or "Without a name",
        about=about,
        changed=when.moment(one.updated_at, short=True, relative=True),
        kept=when.moment(one.expires_at, short=True, relative=True),
        delete=f"/drafts/{one.id}/delete",
    )
