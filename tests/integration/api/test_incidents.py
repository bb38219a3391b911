"""Incidents over REST and on the command line: who sees them, takes note of them and mutes them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bench.browsing.in_process import on_a_port
from cli.commands import incidents as commands
from mailroom.incidents.spec import IncidentKind
from mailroom.roles import Role
from mailroom.storage.database import new_id
from mailroom.storage.model.upkeep.incidents import Alert, Incident, IncidentSchedule
from tests.integration.api.access.belongings import schedule_of
from tests.integration.api.access.people import People
from tests.integration.api.conftest import KEY

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

# No finder of this installation looks for it, so that the loop leaves the incidents of these tests as they are.
KIND = IncidentKind.TRAIL_CONTRADICTED
HOUR = timedelta(hours=1)


@pytest.fixture
async def people(offline: Api) -> Any:
    """Make people of the API."""
    made = People(offline)
    yield made
    for client in made.clients:
        await client.aclose()


async def incident(api: Api, owner_id: str | None, *names: str, **columns: Any) -> str:
    """Store an incident about schedules of these names, and return its id."""
    now = datetime.now(UTC)
    values = {
        "kind": KIND,
        "subject": new_id(),
        "severity": "error",
        "level": "owner",
        "values": {"execution_id": "e1"},
    }
    row = Incident(id=new_id(), owner_id=owner_id, opened_at=now, last_seen_at=now, **{**values, **columns})
    async with api.database.session() as session:
        session.add(row)
        schedules = [schedule_of(owner_id or "", report_id="orders", name=name) for name in names]
        session.add_all(schedules)
        await session.flush()
        session.add_all([IncidentSchedule(incident_id=row.id, schedule_id=one.id) for one in schedules])
    return row.id


async def ids(person: Any, query: str = "") -> set[str]:
    """Return the ids of the incidents that a person is shown."""
    return {one["id"] for one in (await person.json("GET", f"/incidents{query}", 200))["items"]}


async def test_who_sees_what(people: People) -> None:
    ours = await people.team("ours")
    me = await people.person("me", Role.CREATOR, team=ours)
    mate = await people.person("mate", Role.CREATOR, team=ours)
    stranger = await people.person("stranger", Role.CREATOR)
    mine = await incident(people.api, me.id, "Weekly sales")
    systems = await incident(people.api, None)
    assert (await ids(me), await ids(mate), await ids(stranger)) == ({mine}, {mine}, set())
    assert await ids(people.api) >= {mine, systems}
    await stranger.json("GET", f"/incidents/{mine}", 404)
    await mate.json("GET", f"/incidents/{systems}", 404)
    # A stranger whose schedule a connection covers sees that incident, and only the own schedule of it.
    both = await incident(people.api, me.id, "Of mine")
    async with people.api.database.session() as session:
        theirs = schedule_of(stranger.id, report_id="orders", name="Of the stranger")
        session.add(theirs)
        await session.flush()
        session.add(IncidentSchedule(incident_id=both, schedule_id=theirs.id))
    found = await stranger.json("GET", f"/incidents/{both}", 200)
    assert [one["name"] for one in found["schedules"]] == ["Of the stranger"]
    assert found["schedule_count"] == 2
    await stranger.json("POST", f"/incidents/{both}/acknowledge", 403)
    assert await ids(stranger, f"?schedule={theirs.id}") == {both}
    assert await ids(mate, f"?schedule={theirs.id}") == set()


async def test_a_person_takes_note_of_one_and_mutes_it(people: People) -> None:
    ours = await people.team("ours")
    me = await people.person("me", Role.CREATOR, team=ours)
    mate = await people.person("mate", Role.CREATOR, team=ours)
    one = await incident(people.api, me.id, "Weekly sales", next_level_at=datetime.now(UTC) + HOUR)
    until = datetime.now(UTC) + HOUR
    for wrong in (datetime.now(UTC) - HOUR, datetime.now(UTC) + timedelta(days=31)):
        await me.json("POST", f"/incidents/{one}/mute", 422, json={"until": wrong.isoformat()})
    muted = await me.json("POST", f"/incidents/{one}/mute", 200, json={"until": until.isoformat()})
    assert datetime.fromisoformat(muted["muted_until"]) == until
    assert (await me.json("POST", f"/incidents/{one}/unmute", 200))["muted_until"] is None
    noted = await mate.json("POST", f"/incidents/{one}/acknowledge", 200)
    assert (noted["acknowledged_by"], noted["next_level_at"]) == ("mate@example.com", None)
    again = await me.json("POST", f"/incidents/{one}/acknowledge", 200)
    assert again["acknowledged_by"] == "mate@example.com", "the first one stays named"
    events = (await people.api.json("GET", f"/audit?entity_type=incident&entity_id={one}", 200))["items"]
    done = [(event["action"], event["actor"]) for event in events]
    assert done == [
        ("acknowledged", "mate@example.com"),
        ("unmuted", "me@example.com"),
        ("muted", "me@example.com"),
    ]
    over = await incident(people.api, me.id, resolved_at=datetime.now(UTC))
    await me.json("POST", f"/incidents/{over}/acknowledge", 409)


async def test_lists_are_chosen_and_words_come_with_them(people: People) -> None:
    me = await people.person("me", Role.CREATOR)
    open_one = await incident(people.api, me.id, "Weekly sales")
    merged = await incident(people.api, me.id, merged_into=open_one)
    over = await incident(people.api, me.id, kind=IncidentKind.LEVEL_MISSED, resolved_at=datetime.now(UTC))
    assert await ids(me) == {open_one, over}
    assert await ids(me, "?merged=true") == {open_one, merged, over}
    assert await ids(me, "?open=true") == {open_one}
    assert await ids(me, f"?open=false&kind={IncidentKind.LEVEL_MISSED}") == {over}
    first = await me.json("GET", "/incidents?limit=1", 200)
    rest = await me.json("GET", f"/incidents?limit=1&cursor={first['next_cursor']}", 200)
    assert {first["items"][0]["id"], rest["items"][0]["id"]} == {open_one, over}
    shown = await me.json("GET", f"/incidents/{open_one}", 200)
    assert shown["title"]
    assert shown["what"]
    assert shown["to_do"]
    assert (shown["execution_id"], shown["over"], shown["alerts"]) == ("e1", "", [])
    await me.json("GET", "/incidents?kind=nothing", 422)


async def test_to_whom_an_alert_went_is_shown_to_them_and_to_admins(people: People) -> None:
    ours = await people.team("ours")
    me = await people.person("me", Role.CREATOR, team=ours)
    mate = await people.person("mate", Role.CREATOR, team=ours)
    one = await incident(people.api, me.id)
    columns = {"stage": "opened", "level": "owner", "route": "mail", "state": "sent", "attempts": 1}
    async with people.api.database.session() as session:
        session.add(Alert(incident_id=one, target=me.email, created_at=datetime.now(UTC), **columns))
    for person, target in ((me, me.email), (mate, None), (people.api, me.email)):
        (alert,) = (await person.json("GET", f"/incidents/{one}", 200))["alerts"]
        assert (alert["target"], alert["state"]) == (target, "sent")


async def test_the_command_line_lists_and_takes_note(
    offline: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = await incident(offline, None)
    over = await incident(offline, None, resolved_at=datetime.now(UTC))
    async with on_a_port(offline.app) as port:
        for name, value in (("API_PORT", port), ("API_KEY", KEY), ("DATA_DIR", offline.settings.data_dir)):
            monkeypatch.setenv(f"MAILROOM_{name}", str(value))

        async def said(command: Any, *arguments: str, **options: bool) -> Any:
            await asyncio.to_thread(command, *arguments, **options, as_json=True)
            return json.loads(capsys.readouterr().out)

        listed = {found["id"] for found in await said(commands.incidents)}
        assert one in listed
        assert over not in listed
        assert {one, over} <= {found["id"] for found in await said(commands.incidents, every=True)}
        assert (await said(commands.acknowledge, one))["acknowledged_by"]
        await asyncio.to_thread(commands.incidents)
        await asyncio.to_thread(commands.acknowledge, one)
        assert one in capsys.readouterr().out
