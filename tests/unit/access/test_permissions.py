"""The permission table: every route has a row, every row a route, and a wider role never has less."""

from __future__ import annotations

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from api.app import create_app
from api.http.dependencies import caller
from api.http.permission import action_of
from mailroom.access.permissions import GRANTABLE, TABLE, Action, Relation
from mailroom.access.viewer import SYSTEM, Viewer
from mailroom.errors import Forbidden
from mailroom.roles import WIDEST, Role, Scope
from mailroom.settings import Settings
from tests.support.routes import Served, served_by


@pytest.fixture(scope="module")
def routes() -> list[Served]:
    """Every route of the API, without health and documentation."""
    app = create_app(Settings(api_key="x" * 40))
    return [*served_by(app), *served_by(app, below="/metrics")]


def test_every_route_names_its_action_and_asks_who_calls(routes: list[Served]) -> None:
    assert len(routes) > 60
    for route in routes:
        assert route.mark in set(Action), f"{route.method} {route.path} names no action"
        assert caller in route.calls, f"{route.method} {route.path} never asks who calls"


def test_a_route_without_an_action_is_refused() -> None:
    router = APIRouter()

    @router.get("/bare")
    async def bare() -> None: ...

    (route,) = router.routes
    assert isinstance(route, APIRoute)
    with pytest.raises(LookupError):
        action_of(route)


def test_every_action_has_a_row_and_a_route_or_none_on_purpose(routes: list[Served]) -> None:
    assert set(TABLE) == set(Action)
    routed = {route.mark for route in routes}
    assert routed == {action for action, rule in TABLE.items() if not rule.unroutable}


def test_a_wider_role_never_has_less() -> None:
    for action, rule in TABLE.items():
        assert rule.viewer <= rule.creator <= rule.admin, action
        assert (Relation.NONE in rule.admin) == (rule.admin == {Relation.NONE}), f"{action} mixes lists and things"


def test_what_only_looks_needs_read_and_what_changes_needs_more(routes: list[Served]) -> None:
    looks = {"/api/v1/schedules/preview", "/api/v1/schedules/{schedule_id}/shares", "/api/v1/connections/{name}/grants"}
    # One's own log-in: a viewer's widest scope is read, and a viewer logs out and has a password too.
    looks |= {"/api/v1/sessions", "/api/v1/sessions/{session_id}", "/api/v1/users/{user_id}/password"}
    # One's own views of a list change nothing for anybody else, and viewers have some too.
    looks |= {"/api/v1/schedules/views", "/api/v1/schedules/views/{view_id}"}
    # So does what one has read, and of which schedules one wants to hear nothing.
    looks |= {f"/api/v1/notifications/{one}" for one in ("read", "mutes", "mutes/{muted_id}")}
    looks |= {f"/api/v1/notifications/{{notification_id}}/{one}" for one in ("read", "unread")}
    looks.add("/api/v1/schedule-templates/{template_id}/shares")
    looks |= {"/api/v1/schedules/{schedule_id}/condition/preview", "/api/v1/apply/preview"}
    looks |= {"/api/v1/users/{user_id}/preferences", "/api/v1/distribution/preview/message"}
    for route in routes:
        if route.path not in looks:
            reads = TABLE[Action(str(route.mark))].scope is Scope.READ
            assert reads == (route.method == "GET"), f"{route.method} {route.path}"


@pytest.mark.parametrize("role", Role)
def test_a_key_of_the_widest_scope_of_a_role_is_enough_for_all_that_the_role_may(role: Role) -> None:
    for action, rule in TABLE.items():
        if rule.relations(role):
            assert WIDEST[role].covers(rule.scope), f"{role} could never do {action}"


def test_a_narrow_key_gives_less_than_its_owner_may() -> None:
    reader = Viewer("u", Role.CREATOR, scope=Scope.READ)
    assert reader.may(Action.SCHEDULE_READ, Relation.OWN)
    assert not reader.may(Action.SCHEDULE_CHANGE, Relation.OWN)
    with pytest.raises(Forbidden) as refused:
        reader.require_any(Action.SCHEDULE_CREATE)
    assert "scope" in refused.value.message


def test_only_what_can_be_granted_is_granted() -> None:
    assert set(GRANTABLE) == {Action.REPORT_DEFINE_SQL, Action.REPORT_DEFINE_SHELL}
    granted = Viewer("u", Role.CREATOR, grants=frozenset({"report.define_sql"}))
    assert granted.may(Action.REPORT_DEFINE_SQL)
    assert not granted.may(Action.REPORT_DEFINE_SHELL)
    assert not Viewer("u", Role.CREATOR).may(Action.REPORT_DEFINE_SQL)


def test_mailroom_itself_sees_everything() -> None:
    assert SYSTEM.sees_all
    assert all(SYSTEM.may(action, relation) for action, rule in TABLE.items() for relation in rule.admin)
