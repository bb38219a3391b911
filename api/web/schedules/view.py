"""Make of the list of schedules what its page shows. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from api.actions.drafts.views import DraftSummary
from api.actions.schedules.bulk import MOST
from api.actions.schedules.home.listing import Listing
from api.actions.view import PageView
from api.web import words
from api.web.parts import Button, Empty, Field, Link, Pager
from api.web.schedules.asked import Asked
from api.web.schedules.drafts import DraftList, draft_list
from api.web.schedules.filters import fields, told
from api.web.schedules.rows import Row, row
from api.web.visitor import Visitor
from api.web.when import abbreviation
from mailroom.access.permissions import Action
from mailroom.schedule_templates.builtin import BUILTIN
from mailroom.states import ExecutionState

_UNDER_WAY = {ExecutionState.RUNNING, ExecutionState.RETRYING}
BULK = (
    ("pause", "Pause", Action.SCHEDULE_PAUSE),
    ("resume", "Resume", Action.SCHEDULE_RESUME),
    ("run", "Run now …", Action.SCHEDULE_RUN),
    ("reassign", "Reassign …", Action.SCHEDULE_REASSIGN),
    ("delete", "Delete", Action.SCHEDULE_DELETE),
)


_SAMPLES = "“Sample” marks sample data, which counts in no figure."


@dataclass(frozen=True, slots=True)
class Card:
    """One of the templates that an empty list offers to start from."""

    href: str
    title: str
    words: str


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column, which sorts by it where it has an address."""

    words: str
    href: str = ""
    sorted: str = ""


@dataclass(frozen=True, slots=True)
class ListPage:
    """The page of the list of schedules."""

    title: str
    views: tuple[Link, ...]
    fields: tuple[Field, ...]
    carried: tuple[tuple[str, str], ...]
    narrowed: bool
    more: bool
    clear: str
    status: str
    who_can: str
    banner: str
    samples: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    pager: Pager
    empty: Empty | None
    starts: tuple[Card, ...]
    bulk: tuple[tuple[str, str], ...]
    all_words: str
    query: str
    saved: Button | None
    here: str
    new: str
    drafts: DraftList | None
    pace: str


def view(found: Listing, asked: Asked, visitor: Visitor, *, drafts: PageView[DraftSummary] | None = None) -> ListPage:
    """Return the page as this visitor sees it.

    Args:
        drafts: what the view of drafts shows instead of schedules.
    """
    when, failing = visitor.when, found.counts.failing
    zone = abbreviation(visitor.now.astimezone(when.zone))
    rows = tuple(row(one, visitor) for one in found.rows)
    running = any(run.status in _UNDER_WAY for one in found.rows for run in one.recent)
    changeable = any(one.ticks for one in rows)
    new = "/schedules/new" if visitor.may(Action.SCHEDULE_CREATE) else ""
    return ListPage(
        title=f"{when.number(failing)} failing · Schedules" if failing else "Schedules",
        views=_views(found, asked, visitor),
        fields=fields(found.options, asked),
        carried=tuple((name, value) for name, value in (("view", asked.view), ("sort", asked.sort)) if value),
        narrowed=asked.narrowed,
        more=any((asked.report, asked.owner, asked.to, asked.recipient, asked.due)),
        clear=asked.only_view(),
        status=_status(found, visitor),
        who_can=_who_can(visitor, changeable),
        banner=_banner(found, visitor),
        samples=_SAMPLES if found.samples and visitor.may(Action.SAMPLE_REMOVE) else "",
        columns=_columns(asked, zone),
        rows=() if drafts is not None else rows,
        pager=_pager(found, asked, visitor),
        empty=None if rows or drafts is not None else _empty(asked, visitor, found),
        starts=_starts() if new and not found.counts.everything and not asked.narrowed and drafts is None else (),
        bulk=_bulk(visitor) if changeable else (),
        all_words=_all_words(found, rows, visitor),
        query=asked.query(),
        saved=_saved(found, asked),
        here=asked.link(cursor=asked.cursor),
        new=new,
        drafts=None if drafts is None else draft_list(drafts, visitor),
        pace="every 5s" if running else "every 60s",
    )


def _views(found: Listing, asked: Asked, visitor: Visitor) -> tuple[Link, ...]:
    counts, number, query = found.counts, visitor.when.number, asked.query()
    standing = (
        ("all", "All", counts.everything),
        ("mine", "Mine", counts.mine),
        ("failing", "Failing", counts.failing),
        ("today", "Due today", counts.due),
        ("paused", "Paused", counts.paused),
    )
    saved = {one.query for one in found.views}
    links = [
        Link(Asked(view=view).link(), said, (asked.view or "all") == view and query not in saved, count=number(count))
        for view, said, count in standing
    ]
    if visitor.may(Action.DRAFT_LIST):
        links.append(Link(Asked(view="drafts").link(), "Drafts", asked.view == "drafts", count=number(found.drafts)))
    links += [Link(f"/schedules?{one.query}", one.name, query == one.query, "bookmark") for one in found.views]
    return tuple(links)


def _saved(found: Listing, asked: Asked) -> Button | None:
    """Return what deletes the saved view that the list is in."""
    row = next((one for one in found.views if one.query == asked.query()), None)
    if row is None:
        return None
    return Button(f"/schedules/views/{row.id}/delete", f"Delete the view “{row.name}”", icon="trash-2", tone="link")


def _status(found: Listing, visitor: Visitor) -> str:
    total = found.total
    many = f"{visitor.when.number(total)} {'schedule' if total == 1 else 'schedules'}"
    return f"{many} · times in {visitor.when.zone.key}"


def _who_can(visitor: Visitor, changeable: bool) -> str:
    if changeable or visitor.may(Action.SCHEDULE_CREATE):
        return ""
    return "You can look at these schedules. Their owners and admins can change them."


def _banner(found: Listing, visitor: Visitor) -> str:
    if found.silent_since is None:
        return ""
    since = visitor.when.moment(found.silent_since, short=True).text
    then = "Schedules are shown and can be changed; changes are sent when it answers."
    return f"Prefect is not answering since {since}. {then}"


def _columns(asked: Asked, zone: str) -> tuple[Column, ...]:
    order = asked.order
    other = "-name" if order == "name" else "name"
    by_name = {"name": "ascending", "-name": "descending"}.get(order, "")
    by_due = "ascending" if order == "next_run" else ""
    failing = "ascending" if order == "attention" else ""
    return (
        Column("Name", asked.link(sort=other), by_name),
        Column("State", asked.link(sort=""), failing),
        Column("Last 14"),
        Column(f"Last run ({zone})"),
        Column(f"Next run ({zone})", asked.link(sort="next_run"), by_due),
        Column("To"),
        Column("Owner"),
    )


def _pager(found: Listing, asked: Asked, visitor: Visitor) -> Pager:
    following = asked.link(cursor=found.next_cursor) if found.next_cursor else ""
    return Pager(asked.link() if asked.cursor else "", following)


def _empty(asked: Asked, visitor: Visitor, found: Listing) -> Empty:
    if asked.cursor:
        first = Link(asked.link(), "First page")
        return Empty("Nothing is left on this page", "The list became shorter meanwhile.", (first,))
    if asked.narrowed:
        clear = (Link(asked.only_view(), "Clear filters"),)
        return Empty("No schedule matches", f"Nothing matches {told(found.options, asked)}.", clear)
    match asked.view:
        case "mine" if found.counts.everything:
            return Empty("No schedule is yours", "Those that are shared with you are under All.")
        case "failing":
            return Empty("Nothing is failing", "Every last run has arrived.")
        case "today":
            return Empty("Nothing more is due today", f"Today ends at midnight, {visitor.when.zone.key}.")
        case "paused":
            return Empty("Nothing is paused", "Every schedule runs when it is due.")
        case _:
            return _none(visitor)


def _none(visitor: Visitor) -> Empty:
    if not visitor.may(Action.SCHEDULE_CREATE):
        return Empty(
            "No schedules yet", "A schedule sends a report when it is due. Those shared with you are shown here."
        )
    choose = Link("/schedules/new", "New schedule", icon="plus")
    return Empty(
        "No schedules yet", "Choose a report, and it arrives on Mondays. Or begin with one of these:", (choose,)
    )


def _starts() -> tuple[Card, ...]:
    return tuple(Card(f"/schedules/new?template={one.id}", one.title, one.description) for one in BUILTIN.values())


def _bulk(visitor: Visitor) -> tuple[tuple[str, str], ...]:
    """Return what can be done to those that are ticked; only own ones can be ticked, so the relation is that."""
    if not visitor.may(Action.SCHEDULE_BULK):
        return ()
    return tuple((name, said) for name, said, action in BULK if visitor.may(action, visitor.user.id))


def _all_words(found: Listing, rows: tuple[Row, ...], visitor: Visitor) -> str:
    """Return what takes all that match; nothing where all of them are on the page, or where they are too many."""
    if not len(rows) < found.total <= MOST:
        return ""
    return f"All {visitor.when.number(found.total)} {words.count(found.total, 'schedule').partition(' ')[2]} that match"
