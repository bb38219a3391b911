"""The page Settings: rules in words, limits beside each other, and health; never a secret."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from babel import Locale

from api.actions.alerts.views import AlertTestView, TriedRoute
from api.web.settings import health, view
from api.web.settings.rules import groups_of
from api.web.when import When
from mailroom.notifications.kinds import Route
from mailroom.roles import Role
from mailroom.schedules.limits.beyond import Beyond
from mailroom.settings import Settings
from mailroom.storage.tables import User
from mailroom.watching.checks.spec import Check, CheckName, State

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
WHEN = When(ZoneInfo("Europe/Berlin"), Locale("en", "GB"), hours24=True, now=NOW)
SECRET = "whsec_" + "c2VjcmV0" * 6
SETTINGS = Settings.model_validate(
    {
        "execution_days": 100,
        "alerts": {
            "operator_mail": "oncall@example.com",
            "webhook_url": "https://hooks.example.com/s3cret-path",
            "webhook_secret": SECRET,
        },
        "limits": {"schedules": 7, "creator": {"tests_an_hour": "unlimited"}},
    }
)


def test_rules_say_what_is_set_and_what_is_usual() -> None:
    rules = {rule.name: rule for group in groups_of(SETTINGS) for rule in group.rules}
    kept, files = rules["execution_days"], rules["artifact_days"]
    assert (kept.value, kept.is_set, files.is_set) == ("100 days", True, False)
    assert rules["alerts.operator_mail"].value == "oncall@example.com"
    assert (rules["alerts.quiet_hours"].is_set, rules["audit_days"].value) == (False, "For good")
    assert len(rules) == sum(len(group.rules) for group in groups_of(SETTINGS)), "each rule stands once"


def test_no_secret_is_on_the_page() -> None:
    shown = repr(view.whole_page(SETTINGS, [], WHEN))
    assert (SECRET in shown, "s3cret-path" in shown) == (False, False)


def test_limits_stand_beside_each_other() -> None:
    rows = {row.term: row.cells for row in view.whole_page(SETTINGS, [], WHEN).limits}
    assert rows["Schedules"] == ("7", "No limit", "No limit")
    assert rows["Tests, an hour"][0] == "No limit"
    own = view.own_page(SETTINGS, User(role=Role.CREATOR, is_service=False))
    assert (own.whole, own.heads, own.groups, own.parts) == (False, ("Yours",), (), ())
    assert next(row.cells for row in own.limits if row.term == "Schedules") == ("7",)


def test_who_is_beyond_a_limit_is_said_beside_it() -> None:
    def one(limit: str, who: str, count: int, role: Role = Role.CREATOR, *, service: bool = False) -> Beyond:
        return Beyond(limit, f"{who}@example.com", role, service, count)

    beyond = [
        *(one("schedules", who, 9) for who in ("ada", "bob", "cem", "dan", "eva")),
        one("recipients", "ada", 1),
        one("recipients", "root", 2, Role.ADMIN),
        one("recipient_domains", "robot", 4, Role.ADMIN, service=True),
    ]
    rows = {row.term: row for row in view.whole_page(SETTINGS, [], WHEN, beyond=beyond).limits}
    creators, admins, services = rows["Schedules"].beyond
    assert ("5 users" in creators, "ada@example.com (9)" in creators, "dan" in creators) == (True, True, False)
    assert "2 others" in creators
    assert (admins, services) == ("", "")
    creators, admins, services = rows["Recipients of one mail"].beyond
    assert ("1 schedule " in creators, "2 schedules" in admins, services) == (True, True, "")
    assert "robot" in rows["Domains that mails may go to"].beyond[2]
    assert not any(rows["Rows of a query"].beyond)
    own = view.own_page(SETTINGS, User(role=Role.CREATOR, is_service=False))
    assert not any(cell for row in own.limits for cell in row.beyond)


def test_health_says_what_to_do_without_commands() -> None:
    assert set(health.PARTS) == set(CheckName)
    checks = [
        Check(CheckName.DISK, State.OK, "900 MB free"),
        Check(
            CheckName.DATABASE, State.PROBLEM, "It needs migration: run `mailroom init`.", "Run `mailroom init`.", NOW
        ),
    ]
    fine, broken = view.whole_page(SETTINGS, checks, WHEN).parts
    assert (fine.chip.tone, fine.remedy, fine.since) == ("ok", "", None)
    assert (broken.chip.tone, "`" in broken.told + broken.remedy) == ("bad", False)
    assert broken.told
    assert broken.remedy
    assert broken.since


def test_a_test_of_alerts_says_how_each_route_ended() -> None:
    routes = [
        TriedRoute(route=Route.MAIL, target="oncall@example.com", ok=False, message="The server refused it."),
        TriedRoute(route=Route.IN_APP, target="5f0c", ok=True, message="It stands among your notifications."),
    ]
    mail, here = view.whole_page(SETTINGS, [], WHEN, tested=AlertTestView(ok=False, routes=routes)).tried
    assert (mail.to, mail.chip.tone, mail.told) == ("oncall@example.com", "bad", "The server refused it.")
    assert (here.to, here.chip.tone) == ("You", "ok")
