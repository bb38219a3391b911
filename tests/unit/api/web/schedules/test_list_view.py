"""The page of the list: what it says, offers, and leaves out for those who may not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.actions.schedules.bulk import MOST, BulkOutcome
from api.actions.schedules.home.chosen import Asking
from api.actions.schedules.home.listing import Last, Listing, Row
from api.actions.schedules.home.report import BulkReport, ReportItem
from api.web.schedules.asked import Asked
from api.web.schedules.saying import Undo, confirm, done_words, result
from api.web.schedules.view import view
from api.web.visitor import Visitor
from api.web.when import When, locale_of
from mailroom.access.viewer import Viewer
from mailroom.executions.overview import Deliveries
from mailroom.members.preferences import preferences_of
from mailroom.roles import Role
from mailroom.schedules.listing.repository import Chosen, Counts, Goes, Option, Options, Recent
from mailroom.states import ExecutionState, ScheduleState, SyncState
from mailroom.storage.model.schedules.lists import SavedView

NOW = datetime(2026, 11, 26, 10, tzinfo=UTC)
E = ExecutionState


def visitor(role: Role = Role.CREATOR) -> Visitor:
    who = Viewer("me", role)
    caller: Any = SimpleNamespace(viewer=who, context=SimpleNamespace(now=NOW, user=SimpleNamespace(id="me")))
    when = When(ZoneInfo("Europe/Berlin"), locale_of("en-GB"), hours24=True, now=NOW)
    request: Any = None
    return Visitor(request, caller, "token", when, preferences_of({}), framed=False)


def row(number: int = 1, **changes: Any) -> Row:
    last = Last(f"e-{number}", NOW - timedelta(hours=1), E.PARTIAL, Deliveries(11, 12))
    values: dict[str, Any] = {
        "id": f"s-{number}",
        "name": f"Schedule {number}",
        "sentence": "Every Monday at 09:00 (Europe/Berlin)",
        "zone": "Europe/Berlin",
        "state": ScheduleState.ACTIVE,
        "failures": 0,
        "failing": True,
        "sync": SyncState.SYNCED,
        "owner_id": "me",
        "owner": "Ada",
        "etag": '"1"',
        "next_run": NOW + timedelta(days=4),
        "last": last,
        "recent": (Recent("e-0", NOW - timedelta(days=7), E.SUCCESS), Recent("e-1", NOW, E.PARTIAL)),
        "goes": (Goes("email", 12), Goes("folder", 1)),
    }
    return Row(**{**values, **changes})


def listing(*rows: Row, total: int | None = None, **changes: Any) -> Listing:
    counts = Counts(len(rows), 0, sum(one.failing for one in rows), 0, 0)
    known = Options((Option("u-1", "Bob"),), (Option("orders", "Orders"),), (("email", "corp-smtp"),))
    values: dict[str, Any] = {"rows": rows, "next_cursor": None, "counts": counts}
    values |= {"total": len(rows) if total is None else total}
    values |= {"options": known, "views": [], "drafts": 0, "silent_since": None}
    return Listing(**{**values, **changes})


def test_a_row_says_everything_in_words_too() -> None:
    (shown,) = view(listing(row()), Asked(), visitor()).rows
    assert (shown.chip.words, shown.last.words if shown.last else "") == ("Failing", "Partly delivered, 11 of 12")
    assert shown.strip.label == "Last 2: 1 delivered, 1 partly delivered"
    assert [one.words for one in shown.goes] == ["12 people by e-mail", "1 folder"]
    assert shown.next is not None
    assert (shown.next.text, shown.next.relative) == ("Mon 30 Nov, 11:00 CET", "in 4 days")
    assert shown.sync is None
    assert view(listing(row(sync=SyncState.PENDING)), Asked(), visitor()).rows[0].sync is not None


def test_the_title_counts_what_is_wrong_and_the_status_names_the_zone() -> None:
    shown = view(listing(row(1), row(2), row(3, failing=False), total=1204), Asked(), visitor())
    assert shown.title.startswith("2 failing · ")
    assert "1,204" in shown.status
    assert "Europe/Berlin" in shown.status
    assert "1,204" in shown.all_words
    assert view(listing(row(failing=False)), Asked(), visitor()).title == "Schedules"
    assert view(listing(row()), Asked(), visitor()).all_words == "", "all of them are on the page"
    assert view(listing(row(), total=MOST + 1), Asked(), visitor()).all_words == "", "too many at once"


def test_only_what_somebody_may_do_is_offered() -> None:
    def offered(role: Role, **changes: Any) -> set[str]:
        (shown,) = view(listing(row(**changes)), Asked(), visitor(role)).rows
        return {one.href.rpartition("/")[2].partition("?")[0] for one in shown.menu}

    own = {"pause", "run", "test", "edit", "new", "delete"}
    assert offered(Role.CREATOR) == own
    assert offered(Role.ADMIN, owner_id="other") == own
    assert offered(Role.CREATOR, owner_id="other") == {"new"}
    assert offered(Role.VIEWER, owner_id="other") == set()
    assert offered(Role.CREATOR, state=ScheduleState.PAUSED) == (own | {"resume"}) - {"pause", "run"}
    assert offered(Role.CREATOR, state=ScheduleState.FINISHED) == own - {"pause", "run"}
    shown = view(listing(row(owner_id="other")), Asked(), visitor(Role.VIEWER))
    assert (shown.bulk, shown.new, shown.rows[0].ticks) == ((), "", False)
    assert "admins" in shown.who_can
    both = view(listing(row(1), row(2, owner_id="other")), Asked(), visitor())
    assert [one.ticks for one in both.rows] == [True, False]
    assert {name for name, _ in both.bulk} == {"pause", "resume", "run", "delete"}
    assert "reassign" in dict(view(listing(row()), Asked(), visitor(Role.ADMIN)).bulk)


@pytest.mark.parametrize("state", [E.RUNNING, E.RETRYING])
def test_it_looks_more_often_while_something_runs(state: ExecutionState) -> None:
    assert view(listing(row()), Asked(), visitor()).pace == "every 60s"
    running = row(recent=(Recent("e-1", NOW, state),))
    assert view(listing(running), Asked(), visitor()).pace == "every 5s"


def test_the_views_are_links_and_one_is_current() -> None:
    saved = SavedView(id="v-1", user_id="me", name="Failing mails", query="view=failing&to=email")
    shown = view(listing(row(), views=[saved]), Asked(view="failing"), visitor())
    assert [one.words for one in shown.views if one.current] == ["Failing"]
    assert {one.words: one.count for one in shown.views}["Failing"] == "1"
    mine = view(listing(row(), views=[saved]), Asked(view="failing", to="email"), visitor())
    assert [one.words for one in mine.views if one.current] == ["Failing mails"]
    assert mine.saved is not None
    assert mine.saved.action == "/schedules/views/v-1/delete"
    assert "Drafts" not in {one.words for one in view(listing(), Asked(), visitor(Role.VIEWER)).views}


def test_sorted_columns_say_so_and_lead_to_the_other_order() -> None:
    by_name = view(listing(row()), Asked(sort="name", search="x", cursor="abc"), visitor()).columns
    assert [one.sorted for one in by_name][:2] == ["ascending", ""]
    assert by_name[0].href == "/schedules?search=x&sort=-name"
    usual = view(listing(row()), Asked(), visitor()).columns
    assert [one.sorted for one in usual] == ["", "ascending", "", "", "", "", ""]
    assert all("CET" in one.words for one in usual[3:5])


def test_an_empty_list_says_what_to_do_and_a_filter_without_a_match_names_itself() -> None:
    nothing = view(listing(), Asked(), visitor())
    assert nothing.empty is not None
    assert [one.href for one in nothing.empty.links] == ["/schedules/new"]
    assert len(nothing.starts) == 3
    assert all(one.href.startswith("/schedules/new?template=") for one in nothing.starts)
    filtered = view(listing(), Asked(view="mine", search="zzz", report="orders"), visitor())
    assert filtered.empty is not None
    assert {"“zzz”", "Orders"} <= {one for one in ("“zzz”", "Orders") if one in filtered.empty.words}
    assert filtered.empty.links[0].href == "/schedules?view=mine"
    assert filtered.starts == ()
    looker = view(listing(), Asked(), visitor(Role.VIEWER))
    assert looker.empty is not None
    assert (looker.empty.links, looker.starts) == ((), ())


def test_the_banner_says_since_when_prefect_is_away() -> None:
    assert view(listing(), Asked(), visitor()).banner == ""
    assert "11:00 CET" in view(listing(silent_since=NOW), Asked(), visitor()).banner


def test_a_confirmation_says_whom_it_reaches_and_what_is_left_out() -> None:
    chosen = Chosen({ScheduleState.ACTIVE: 2, ScheduleState.PAUSED: 1}, (Goes("email", 41), Goes("folder", 2)))
    page = confirm(Asking(chosen, ("A", "B")), "run", visitor(), [], [], back="/schedules")
    assert "41 mail addresses and 2 other places" in page.lines[0]
    assert page.lines[1].startswith("1 schedule is")
    assert page.more == "and 1 more"
    none = confirm(Asking(Chosen({ScheduleState.PAUSED: 1}, ()), ("A",)), "run", visitor(), [], [], back="/schedules")
    assert none.button == ""


def test_a_result_tells_what_was_done_to_each() -> None:
    items = [
        ReportItem(id="1", name="A", outcome=BulkOutcome.DONE, owner_before="u-1"),
        ReportItem(id="2", name="B", outcome=BulkOutcome.DONE, owner_before="u-2"),
        ReportItem(id="3", name="C", outcome=BulkOutcome.UNCHANGED),
        ReportItem(id="4", name="D", outcome=BulkOutcome.FAILED, why="It is finished."),
    ]
    report = BulkReport(action="pause", items=items)
    assert "2 schedules are paused" in done_words(report)
    assert "1 schedule stayed" in done_words(report)
    page = result(report)
    assert ([len(page.done), len(page.unchanged), len(page.failed)], len(page.lines)) == ([2, 1, 1], 2)
    assert Undo.of("pause", {"pause": "resume"}, items[:2]) == [Undo("resume", ("1", "2"))]
    assert Undo.of("reassign", {}, items[:3]) == [Undo("reassign", ("1",), "u-1"), Undo("reassign", ("2",), "u-2")]
