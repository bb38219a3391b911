"""Preferences: who is told of what by which route, with safe defaults."""

from __future__ import annotations

from typing import Any

import pytest

from mailroom.incidents.spec import IncidentKind
from mailroom.notifications.kinds import INCIDENTS, MAILS, Kind, Route, kind_of, routes_of
from mailroom.notifications.wants import wants

QUIET = {"alerts": {"schedule_failing": {"mail": False}, "weekly_summary": {"mail": False}}}


def test_every_kind_of_incident_is_a_kind_that_users_choose() -> None:
    assert {kind.value for kind in IncidentKind} == {kind.value for kind in INCIDENTS}


@pytest.mark.parametrize("stored", [None, {}, {"alerts": None}, {"alerts": {"schedule_failing": "no"}}, {"alerts": []}])
@pytest.mark.parametrize("kind", list(Kind))
def test_whoever_has_chosen_nothing_readable_is_told_by_every_route_of_a_kind(
    kind: Kind, stored: dict[str, Any] | None
) -> None:
    assert {route for route in Route if wants(stored, kind, route)} == set(routes_of(kind))


def test_a_choice_holds_for_its_kind_and_route_alone() -> None:
    assert not wants(QUIET, Kind.SCHEDULE_FAILING, Route.MAIL)
    assert wants(QUIET, Kind.SCHEDULE_FAILING, Route.IN_APP)
    assert wants(QUIET, Kind.OCCURRENCE_MISSED, Route.MAIL)
    assert not wants(QUIET, Kind.WEEKLY_SUMMARY, Route.MAIL)
    assert wants(QUIET, Kind.DAILY_DIGEST, Route.MAIL)


def test_what_does_not_go_by_a_route_is_not_wanted_by_it_even_if_it_was_chosen() -> None:
    chosen = {"alerts": {"schedule_paused": {"mail": True}, "daily_digest": {"in_app": True}}}
    assert not wants(chosen, Kind.SCHEDULE_PAUSED, Route.MAIL)
    assert not wants(chosen, Kind.DAILY_DIGEST, Route.IN_APP)


def test_the_words_of_incidents_are_taken_as_they_are() -> None:
    assert not wants(QUIET, IncidentKind.SCHEDULE_FAILING, Route.MAIL)


def test_a_kind_of_a_newer_version_is_told_in_the_application() -> None:
    assert kind_of("volcano_erupts") is Kind.OTHER
    assert wants({}, "volcano_erupts", Route.IN_APP)
    assert not wants({}, "volcano_erupts", Route.MAIL)


def test_mails_at_set_times_go_by_mail_alone() -> None:
    assert {routes_of(kind) for kind in MAILS} == {(Route.MAIL,)}
