"""What the reader of an alert may know."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailroom.alerts.case import Case, Covered, story_of
from mailroom.alerts.routes import People, Person, Team
from mailroom.alerts.sending.notice import is_told_already, notice_of
from mailroom.alerts.words.message import message_of
from mailroom.incidents.spec import IncidentKind, Level, Severity, Stage
from mailroom.settings import Settings
from mailroom.storage.model.incidents import Alert, Incident
from mailroom.storage.tables import User

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
ADA, BOB, EVE = (Person(name, f"{name}@example.com") for name in ("ada", "bob", "eve"))
TEAMS = (Team((ADA, BOB), "sales@example.com"), Team((EVE,)))
SCHEDULES = tuple(Covered(f"s-{one.id}", f"Report of {one.id}", one.id) for one in (ADA, BOB, EVE))


def a_case(*schedules: Covered, kind: IncidentKind = IncidentKind.CONNECTION_FAILING) -> Case:
    incident = Incident(
        id="i1", kind=str(kind), subject="smtp", severity=str(Severity.ERROR), values={}, opened_at=NOW, level="owner"
    )
    people = People(owners=(ADA, BOB, EVE), teams=TEAMS)
    return Case(incident, schedules, people, User(timezone="Asia/Tokyo"))


def an_alert(level: Level, target: str = "ada", user_id: str | None = "ada") -> Alert:
    return Alert(stage=str(Stage.OPENED), level=str(level), target=target, user_id=user_id)


@pytest.mark.parametrize(
    ("alert", "names"),
    [
        (an_alert(Level.OWNER), {"ada"}),
        (an_alert(Level.TEAM, user_id="bob"), {"ada", "bob"}),
        (an_alert(Level.TEAM, "sales@example.com", None), {"ada", "bob"}),
        (an_alert(Level.TEAM, user_id="eve"), {"eve"}),
        (an_alert(Level.OPERATOR, "ops@example.com", None), {"ada", "bob", "eve"}),
    ],
)
def test_each_reads_the_names_of_what_concerns_them(alert: Alert, names: set[str]) -> None:
    story = story_of(alert, a_case(*SCHEDULES), Settings())
    assert set(story.schedules) == {f"Report of {name}" for name in names}
    assert story.schedule_id == ""
    assert story.zone == "Asia/Tokyo"


def test_the_page_of_the_only_schedule_is_known() -> None:
    assert story_of(an_alert(Level.OWNER), a_case(SCHEDULES[0]), Settings()).schedule_id == "s-ada"


def test_an_owner_of_one_of_many_does_not_read_that_it_is_the_only_one() -> None:
    assert story_of(an_alert(Level.OWNER), a_case(*SCHEDULES), Settings()).schedule_id == ""


@pytest.mark.parametrize(
    ("kind", "level", "fallback", "told"),
    [
        (IncidentKind.SCHEDULE_FAILING, Level.OWNER, False, True),
        (IncidentKind.SCHEDULE_FAILING, Level.OWNER, True, False),
        (IncidentKind.SCHEDULE_FAILING, Level.TEAM, False, False),
        (IncidentKind.CONNECTION_FAILING, Level.OWNER, False, False),
    ],
)
def test_owners_are_told_once_within_mailroom(kind: IncidentKind, level: Level, fallback: bool, told: bool) -> None:
    story = story_of(an_alert(level), a_case(SCHEDULES[0], kind=kind), Settings())
    assert is_told_already(story, is_fallback=fallback) is told


def test_a_notice_names_its_incident_and_what_it_is_about() -> None:
    story = story_of(an_alert(Level.OWNER), a_case(SCHEDULES[0]), Settings())
    notice = notice_of("ada", story, message_of(story, "https://reports.example.com"))
    assert (notice.incident_id, notice.subject, notice.schedule) == ("i1", "smtp", "s-ada")
    assert (str(notice.kind), notice.severity) == ("connection_failing", "error")
