"""Who is told of an incident, and by which route."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailroom.alerts.routes import People, Person, Team, first_targets, in_place_of
from mailroom.alerts.spec import OPERATORS, AlertState, Target
from mailroom.incidents.spec import Level
from mailroom.notifications.kinds import Route

KIND = "connection_failing"
ADA, BOB = Person("ada", "ada@example.com"), Person("bob", "bob@example.com")
ADMIN = Person("root", "root@example.com")
IN_APP, MAIL, WEBHOOK = Route.IN_APP, Route.MAIL, Route.WEBHOOK
EVERYBODY = People(
    owners=(ADA,),
    teams=(Team((ADA, BOB)),),
    operator_mail=("ops@example.com",),
    has_webhook=True,
    admins=(ADMIN,),
)


def keys(targets: list[Target]) -> list[tuple[Route, str]]:
    return [target.key for target in targets]


def no(route: Route) -> dict[str, object]:
    return {"alerts": {KIND: {str(route): False}}}


def test_an_owner_is_told_in_the_application_and_by_mail() -> None:
    level, found = first_targets(Level.OWNER, EVERYBODY, KIND, set())
    assert (level, keys(found)) == (Level.OWNER, [(IN_APP, "ada"), (MAIL, "ada@example.com")])


def test_what_an_owner_does_not_want_is_left_out_and_told_to_no_other() -> None:
    quiet = replace(ADA, preferences=no(MAIL))
    assert keys(first_targets(Level.OWNER, replace(EVERYBODY, owners=(quiet,)), KIND, set())[1]) == [(IN_APP, "ada")]
    silent = replace(ADA, is_muted=True)
    assert first_targets(Level.OWNER, replace(EVERYBODY, owners=(silent,)), KIND, set()) == (Level.OWNER, [])


@pytest.mark.parametrize("owners", [(), (replace(ADA, can_read=False),)])
def test_where_no_owner_can_be_told_the_team_is(owners: tuple[Person, ...]) -> None:
    people = replace(EVERYBODY, owners=owners, teams=(Team((replace(ADA, can_read=False), BOB)),))
    level, found = first_targets(Level.OWNER, people, KIND, set())
    assert (level, keys(found)) == (Level.TEAM, [(IN_APP, "bob"), (MAIL, "bob@example.com")])


def test_a_team_with_an_address_is_told_there() -> None:
    people = replace(EVERYBODY, teams=(Team((ADA, BOB), "team@example.com"),))
    assert keys(first_targets(Level.TEAM, people, KIND, set())[1]) == [(MAIL, "team@example.com")]


def test_nobody_is_told_twice() -> None:
    told = {(IN_APP, "ada"), (MAIL, "ada@example.com")}
    assert keys(first_targets(Level.TEAM, EVERYBODY, KIND, told)[1]) == [(IN_APP, "bob"), (MAIL, "bob@example.com")]


def test_a_team_of_the_owner_alone_goes_on_to_the_operators() -> None:
    told = {(IN_APP, "ada"), (MAIL, "ada@example.com")}
    level, found = first_targets(Level.TEAM, replace(EVERYBODY, teams=(Team((ADA,)),)), KIND, told)
    assert (level, keys(found)) == (Level.OPERATOR, [(MAIL, "ops@example.com"), (WEBHOOK, OPERATORS)])


def test_without_a_route_of_operators_all_admins_are_told() -> None:
    people = replace(EVERYBODY, operator_mail=(), has_webhook=False)
    assert keys(first_targets(Level.OPERATOR, people, KIND, set())[1]) == [(IN_APP, "root")]
    unwilling = replace(people, admins=(replace(ADMIN, preferences=no(IN_APP)),))
    assert keys(first_targets(Level.OPERATOR, unwilling, KIND, set())[1]) == [(IN_APP, "root")]


def test_a_mail_to_a_user_is_followed_by_a_notification_unless_there_is_one() -> None:
    mail = Target(MAIL, ADA.email, ADA.id)
    assert keys(in_place_of(mail, Level.OWNER, EVERYBODY, {mail.key: AlertState.FAILED})) == [(IN_APP, "ada")]
    assert in_place_of(mail, Level.OWNER, EVERYBODY, {(IN_APP, "ada"): AlertState.SENT}) == []


def test_a_mail_to_a_team_is_followed_by_notifications_of_its_members() -> None:
    people = replace(EVERYBODY, teams=(Team((ADA, BOB), "team@example.com"),))
    found = in_place_of(Target(MAIL, "team@example.com"), Level.TEAM, people, {(IN_APP, "ada"): AlertState.SENT})
    assert keys(found) == [(IN_APP, "bob")]


OPS = Target(MAIL, "ops@example.com")
HOOK = Target(WEBHOOK, OPERATORS)


def test_operators_get_a_request_in_place_of_a_mail() -> None:
    assert keys(in_place_of(OPS, Level.OPERATOR, EVERYBODY, {OPS.key: AlertState.FAILED})) == [HOOK.key]


@pytest.mark.parametrize("state", [AlertState.SENT, AlertState.PENDING])
def test_operators_who_are_told_by_the_other_route_need_no_third(state: AlertState) -> None:
    assert in_place_of(OPS, Level.OPERATOR, EVERYBODY, {OPS.key: AlertState.FAILED, HOOK.key: state}) == []
    assert in_place_of(HOOK, Level.OPERATOR, EVERYBODY, {HOOK.key: AlertState.FAILED, OPS.key: state}) == []


def test_admins_are_told_when_operators_can_be_reached_by_nothing() -> None:
    both = {OPS.key: AlertState.FAILED, HOOK.key: AlertState.FAILED}
    assert keys(in_place_of(OPS, Level.OPERATOR, EVERYBODY, both)) == [(IN_APP, "root")]
    assert keys(in_place_of(HOOK, Level.OPERATOR, EVERYBODY, both)) == [(IN_APP, "root")]


def test_a_notification_has_nothing_behind_it() -> None:
    assert in_place_of(Target(IN_APP, "ada", "ada"), Level.OWNER, EVERYBODY, {}) == []
