"""The page of notifications, the bell, and the choice of what to be told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from api.actions.notifications.shown import Shown
from api.actions.notifications.views import NotificationView
from api.actions.view import PageView
from api.web.forms import Form
from api.web.me.alerts import chosen, part_of
from api.web.notifications.bell import bell_of
from api.web.notifications.item import Asked
from api.web.notifications.kinds import GROUPS, KINDS
from api.web.notifications.links import link_of
from api.web.notifications.view import NotificationsPage, page_of
from api.web.when import When
from mailroom.notifications.kinds import OPERATORS, Kind, Route, routes_of
from mailroom.notifications.repository import MOST_COUNTED
from mailroom.notifications.unsent import Unsent

NOW = datetime(2026, 11, 26, 22, 30, tzinfo=UTC)  # It is half past seven in the morning of the 27th in Tokyo.
TOKYO = When(ZoneInfo("Asia/Tokyo"), Locale("en"), hours24=True, now=NOW)
NOTE = NotificationView(
    id="n-1",
    at=NOW,
    kind="schedule_failing",
    severity="error",
    title="Orders: failed",
    body="The mail server refused it.",
    schedule_id="s-1",
    execution_id="e-1",
    incident_id=None,
    subject=None,
    read_at=None,
)


def _note(**changed: object) -> NotificationView:
    return NOTE.model_copy(update=changed)


def _page(notes: Iterable[NotificationView], *, asked: Asked | None = None, **more: object) -> NotificationsPage:
    items = list(notes)
    shown = Shown(
        page=PageView(items=items), unread=sum(one.read_at is None for one in items), schedules={}, muted=frozenset()
    )
    return page_of(asked or Asked(), replace(shown, schedules={"s-1": "Orders"}, **more), TOKYO)  # type: ignore[arg-type]  # fields of Shown


def test_every_kind_has_words_and_is_chosen_once() -> None:
    assert set(KINDS) == set(Kind)
    listed = [kind for kinds in GROUPS.values() for kind in kinds]
    assert sorted(listed) == sorted(set(Kind) - {Kind.OTHER})
    assert set(GROUPS["Mailroom itself"]) == OPERATORS


def test_days_are_those_of_the_reader() -> None:
    page = _page([_note(), _note(id="n-2", at=NOW - timedelta(hours=10)), _note(id="n-3", at=NOW - timedelta(days=2))])
    assert [(day.heading.split(",")[0], [one.id for one in day.items]) for day in page.days] == [
        ("Today", ["n-1"]),
        ("Yesterday", ["n-2"]),
        ("Wed 25 Nov", ["n-3"]),
    ]
    assert page.days[0].items[0].at.text == "07:30 JST"


def test_what_is_new_is_counted_and_can_be_marked_up_to_the_newest_that_is_shown() -> None:
    page = _page([_note(), _note(id="n-2", read_at=NOW)])
    assert page.title == "1 new · Notifications"
    assert page.read_all is not None
    assert page.read_all.values["until"] == NOW.isoformat()
    new, read = page.days[0].items
    assert (new.unread, new.mark.action) == (True, "/notifications/n-1/read")
    assert (read.unread, read.mark.action) == (False, "/notifications/n-2/unread")
    assert _page([_note(read_at=NOW)]).read_all is None


def test_a_schedule_is_muted_for_a_while_or_told_again() -> None:
    (item,) = _page([_note()]).days[0].items
    assert item.mute is not None
    assert item.unmute is None
    (item,) = _page([_note()], muted=frozenset({"s-1"})).days[0].items
    assert item.mute is None
    assert item.unmute is not None
    assert item.unmute.action == "/notifications/mutes/s-1/end"
    (item,) = _page([_note(schedule_id=None)]).days[0].items
    assert (item.mute, item.unmute) == (None, None)


@pytest.mark.parametrize(
    ("asked", "heading"),
    [
        (Asked(), "Nothing to tell you"),
        (Asked(unread=True), "Nothing new"),
        (Asked(schedule_id="s-1"), "Nothing about this schedule"),
        (Asked(cursor="x"), "Nothing earlier"),
    ],
)
def test_an_empty_page_says_why(asked: Asked, heading: str) -> None:
    page = _page([], asked=asked)
    assert page.empty is not None
    assert page.empty.heading == heading
    assert page.empty.links


def test_a_route_that_failed_says_so() -> None:
    failed = Unsent(Route.MAIL, "ada@example.com", 3, NOW, "Connection refused.")
    (told,) = _page(
        [],
        unsent=[failed],
    ).unsent
    assert "3 alerts" in told.words
    assert "ada@example.com" in told.words
    assert told.why == "Connection refused."


@pytest.mark.parametrize(
    ("changed", "known", "href"),
    [
        ({}, True, "/executions/e-1"),
        ({"execution_id": None}, True, "/schedules/s-1"),
        ({}, False, ""),
        ({"kind": "schedule_deleted", "execution_id": None}, True, "/audit?thing=schedule%3As-1"),
        ({"kind": "connection_disabled", "schedule_id": None, "subject": "a b"}, False, "/connections/a%20b"),
        ({"kind": "loop_dead", "schedule_id": None, "subject": "reconciler"}, False, ""),
        ({"kind": "credential_ending", "schedule_id": None}, False, "/settings/keys"),
        ({"kind": "owner_barred", "schedule_id": None}, False, "/settings/users"),
        ({"kind": "from_tomorrow", "schedule_id": None}, False, ""),
    ],
)
def test_a_notification_leads_to_the_thing(changed: dict[str, object], known: bool, href: str) -> None:
    one = _note(**changed)
    kind = Kind(one.kind) if one.kind in set(Kind) else Kind.OTHER
    found = link_of(one, kind, known=known)
    assert (found.href if found else "") == href


def test_the_bell_counts_no_further_than_it_was_counted() -> None:
    assert (bell_of(0).count, bell_of(0).words) == ("", "")
    assert (bell_of(3).count, bell_of(3).words) == ("3", "3 new")
    assert bell_of(MOST_COUNTED).count == f"{MOST_COUNTED - 1}+"


def test_only_operators_choose_what_concerns_the_installation() -> None:
    def offered(operator: bool) -> int:
        return sum(len(group.rows) for group in part_of({}, [], TOKYO, operator=operator).groups)

    assert offered(operator=True) - offered(operator=False) == len(OPERATORS)


def test_a_form_changes_only_what_differs() -> None:
    stored = {"alerts": {"schedule_paused": {"in_app": False}}}
    part = part_of(stored, [], TOKYO, operator=False)
    ticked = {tick.name for group in part.groups for row in group.rows for tick in row.ticks if tick.ticked}
    assert chosen(Form(tuple((name, "on") for name in ticked)), stored, operator=False) == {}
    without = ticked - {"alerts-schedule_failing-mail"} | {"alerts-schedule_paused-in_app"}
    changed = chosen(Form(tuple((name, "on") for name in without)), stored, operator=False)
    assert changed == {Kind.SCHEDULE_FAILING: {"mail": False}, Kind.SCHEDULE_PAUSED: {"in_app": True}}


def test_a_box_stands_only_where_a_kind_goes_by_the_route() -> None:
    part = part_of({}, [], TOKYO, operator=True)
    boxes = {tick.name for group in part.groups for row in group.rows for tick in row.ticks if tick.name}
    mailed = {kind for kind in Kind if Route.MAIL in routes_of(kind)} - OPERATORS
    here = {kind for kind in Kind if Route.IN_APP in routes_of(kind)} - {Kind.OTHER}
    assert boxes == {f"alerts-{kind}-mail" for kind in mailed} | {f"alerts-{kind}-in_app" for kind in here}
