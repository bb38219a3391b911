"""While Mailroom is read-only, people look around and log out, changes are refused with 503, and nothing is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from api.app import create_app
from api.http.read_only import STILL, is_done
from mailroom.access.permissions import Action
from mailroom.executions.reasons import ReasonCode
from mailroom.passes.claim import FlowRunFacts
from mailroom.passes.outcome import Outcome
from mailroom.passes.work import Work
from mailroom.stops import service
from mailroom.storage.database import new_id

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

WHY = "The database moves."


async def _switch(api: Api, *, on: bool) -> None:
    """Do what `mailroom read-only` does."""
    now = datetime.now(UTC)
    async with api.database.session() as session:
        if on:
            await service.begin_read_only(session, WHY, by="ops", now=now)
        else:
            assert await service.end_read_only(session, by="ops", now=now)


async def test_reads_are_answered_and_changes_are_refused_until_it_ends(
    either: Api, schedule_body: dict[str, Any]
) -> None:
    made = await either.json("POST", "/schedules/", 201, json=schedule_body)
    run = await either.json("POST", f"/schedules/{made['id']}/run", 202)
    await _switch(either, on=True)

    assert len((await either.json("GET", "/schedules/", 200))["items"]) == 1
    await either.json("POST", "/schedules/preview", 200, json={"timing": schedule_body["timing"]})
    changes: list[tuple[str, str, Any]] = [
        ("POST", "/schedules/", schedule_body),
        ("PATCH", f"/schedules/{made['id']}", {"name": "Another"}),
        ("DELETE", f"/schedules/{made['id']}", None),
        ("POST", f"/schedules/{made['id']}/run", None),
        ("POST", "/resume", {"scope": "all", "dry_run": False}),
    ]
    for method, path, body in changes:
        answer = await either.http.request(method, f"/api/v1{path}", json=body)
        told = answer.json()
        assert (answer.status_code, told["type"]) == (503, "/problems/read-only"), f"{method} {path}: {answer.text}"
        assert "The database moves" in told["detail"]
        assert told["remedy"]
        assert int(answer.headers["Retry-After"]) > 0
    checks = (await either.http.get("/readyz")).json()["checks"]
    assert "read-only" in checks["sending"]
    (stop,) = (await either.json("GET", "/stops", 200))["items"]
    assert (stop["cause"], stop["reason"]) == ("read_only", WHY)

    facts = FlowRunFacts(new_id(), datetime.now(UTC), scheduled=False)
    held = await Work(either.database, either.settings, facts).begin(made["id"], run["id"])
    assert isinstance(held, Outcome)
    assert (held.reason.code, held.held_by) == (ReasonCode.STOPPED, stop["id"])

    await _switch(either, on=False)
    await either.json("PATCH", f"/schedules/{made['id']}", 200, json={"name": "Another"})
    assert (await either.json("GET", "/stops", 200))["items"] == []


async def test_a_person_can_still_stop_what_leaves_and_its_end_leaves_that_stop(offline: Api) -> None:
    await _switch(offline, on=True)
    await offline.json("POST", "/stop", 200, json={"scope": "all", "reason": "A wrong report."})
    await _switch(offline, on=False)
    assert [stop["cause"] for stop in (await offline.json("GET", "/stops", 200))["items"]] == ["person"]


async def test_resuming_does_not_end_it(offline: Api) -> None:
    """Not even on the command line: it has a switch of its own."""
    from mailroom.access.viewer import SYSTEM
    from mailroom.errors import Conflict
    from mailroom.releases import service as releases
    from mailroom.stops.spec import ResumeRequest, StopScope

    await _switch(offline, on=True)
    wanted = ResumeRequest(scope=StopScope.ALL, dry_run=False)
    with pytest.raises(Conflict) as refused:
        await releases.resume(offline.database, wanted, viewer=SYSTEM, by="ops", now=datetime.now(UTC))
    assert refused.value.code == "read_only"
    await offline.json("POST", "/stop", 200, json={"scope": "all", "reason": "A wrong report."})
    await releases.resume(offline.database, wanted, viewer=SYSTEM, by="ops", now=datetime.now(UTC))
    assert [stop["cause"] for stop in (await offline.json("GET", "/stops", 200))["items"]] == ["read_only"]


async def test_pages_say_so_and_explain_a_button_that_does_nothing(offline: Api) -> None:
    html = {"Accept": "text/html"}
    assert 'id="read-only"' not in (await offline.http.get("/schedules", headers=html)).text
    await _switch(offline, on=True)
    offline.app.state.services.read_only.clear()  # As after two seconds.
    page = (await offline.http.get("/schedules", headers=html)).text
    assert 'id="read-only"' in page
    assert "The database moves" in page
    refused = await offline.http.post("/notifications/read", headers=html)
    assert refused.status_code == 503
    assert "mailroom read-only" not in refused.text, "pages name no command"


async def test_the_setting_sets_the_switch_for_every_process(offline: Api) -> None:
    settings = offline.settings.model_copy(update={"read_only": True})
    app = create_app(settings, offline.database)
    async with app.router.lifespan_context(app):
        assert [stop["cause"] for stop in (await offline.json("GET", "/stops", 200))["items"]] == ["read_only"]
    answer = await offline.http.post("/api/v1/notifications/read", json={})
    assert answer.status_code == 503, "another process, which does not have the setting"


def test_what_is_done_all_the_same_only_reads_or_makes_safer() -> None:
    done = {action for action in Action if is_done(action)}
    assert done >= STILL | {Action.SCHEDULE_LIST, Action.SCHEDULE_PREVIEW, Action.REPORT_PREVIEW}
    verbs = {action.partition(".")[2] for action in done - STILL}
    changing = {"create", "change", "delete", "run", "retry", "resume", "pause", "test", "share", "set", "lift"}
    assert not verbs & (changing | {"save", "mark", "mark_all", "mute", "prefer", "password", "grant", "remove"})
