"""A key is renamed, narrowed or given another end; its owner is reminded of its age. Time is given, not waited for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.doctor.finding import Level
from cli.doctor.services import keys as doctor_keys
from mailroom.access.login import USED_EVERY, is_use_due, record_use
from mailroom.members.keys import remind
from mailroom.roles import Role
from mailroom.storage.model.access import ApiKey
from tests.integration.api.access.people import People, Person


async def _row(people: People, key_id: str) -> ApiKey:
    async with people.api.database.session() as session:
        row = await session.get(ApiKey, key_id)
    assert row is not None
    return row


async def _view(person: Person) -> dict[str, Any]:
    found = (await person.json("GET", "/keys", 200))["items"]
    return next(one for one in found if one["id"] == person.key_id)


def _settings(view: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"name": view["name"], "scope": view["scope"], "expires_at": view["expires_at"], **changes}


async def test_a_key_is_renamed_narrowed_and_ends_sooner(people_of_either: People) -> None:
    people = people_of_either
    me = await people.person("me", Role.CREATOR)
    view = await _view(me)
    sooner = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    body = _settings(view, name="Dashboard", scope="read", expires_at=sooner)
    await me.json("PUT", f"/keys/{me.key_id}", 412, json=body, headers={"If-Match": '"old"'})
    changed = await me.json("PUT", f"/keys/{me.key_id}", 200, json=body, headers={"If-Match": view["etag"]})
    assert (changed["name"], changed["scope"]) == ("Dashboard", "read")
    assert datetime.fromisoformat(changed["expires_at"]) == datetime.fromisoformat(sooner)
    assert changed["etag"] != view["etag"]
    assert "key" not in changed, "a key is shown once"
    await me.json("PUT", f"/keys/{me.key_id}", 403, json=body)  # It only looks now.
    event = (await people.api.json("GET", f"/audit?entity_type=key&entity_id={me.key_id}", 200))["items"][0]
    assert (event["action"], event["actor"]) == ("changed", me.email)
    assert set(event["detail"]["changes"]) == {"name", "scope", "expires_at"}
    await people.api.json("PUT", f"/keys/{me.key_id}", 200, json=_settings(changed))
    assert len((await people.api.json("GET", f"/audit?entity_type=key&entity_id={me.key_id}", 200))["items"]) == 2


async def test_23_a_key_is_never_widened(people: People) -> None:
    me = await people.person("me", Role.ADMIN, scope="write")
    view = await _view(me)
    problem = await me.json("PUT", f"/keys/{me.key_id}", 422, json=_settings(view, scope="admin"))
    assert [fault["field"] for fault in problem["errors"]] == ["scope"]
    wide = await people.with_key(me.id, me.email, "admin")
    longer = (datetime.now(UTC) + timedelta(days=300)).isoformat()
    problem = await me.json("PUT", f"/keys/{wide.key_id}", 422, json=_settings(await _view(wide), expires_at=longer))
    assert [fault["field"] for fault in problem["errors"]] == ["scope"], "a narrow key keeps no wide one alive"
    await people.api.json("PUT", f"/keys/{me.key_id}", 422, json=_settings(view, scope="admin"))


@pytest.mark.parametrize("days", [-1, 3000])
async def test_no_key_ends_in_the_past_or_later_than_a_new_one_could(people: People, days: int) -> None:
    me = await people.person("me", Role.CREATOR)
    end = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    problem = await me.json("PUT", f"/keys/{me.key_id}", 422, json=_settings(await _view(me), expires_at=end))
    assert [fault["field"] for fault in problem["errors"]] == ["expires_at"]
    for wrong in ("2027-01-01T00:00:00", "0001-01-01T00:00:00+23:00", None):
        problem = await me.json("PUT", f"/keys/{me.key_id}", 422, json=_settings(await _view(me), expires_at=wrong))
        assert [fault["field"] for fault in problem["errors"]] == ["expires_at"]


async def test_29_a_key_that_has_ended_stays_ended(people: People) -> None:
    me = await people.person("me", Role.CREATOR)
    view = await _view(me)
    await people.api.json("DELETE", f"/keys/{me.key_id}", 204)
    await people.api.json("PUT", f"/keys/{me.key_id}", 409, json=_settings(view))
    await me.json("GET", "/keys", 401)


async def test_an_owner_is_reminded_once_of_an_old_key(people_of_either: People) -> None:
    people = people_of_either
    database, settings = people.api.database, people.api.settings.model_copy(update={"key_old_days": 30})
    me = await people.person("me", Role.CREATOR)
    young, old = (datetime.now(UTC) + timedelta(days=days) for days in (29, 31))
    assert await remind(database, settings, now=young) == 0
    assert (await doctor_keys(settings.model_copy(update=_reads(people)), young)).level is Level.OK
    assert await remind(database, settings, now=old) == 1
    assert await remind(database, settings, now=old) == 0
    (note,) = (await me.json("GET", "/notifications", 200))["items"]
    assert "31 days" in note["title"]
    found = await doctor_keys(settings.model_copy(update=_reads(people)), old)
    assert (found.level, (await _row(people, me.key_id)).prefix in found.message) == (Level.WARNING, True)


async def test_a_later_end_is_reminded_of_again(people: People) -> None:
    me = await people.person("me", Role.CREATOR)
    database, settings = people.api.database, people.api.settings
    now = datetime.now(UTC)
    soon, later = (now + timedelta(days=days) for days in (5, 40))
    await me.json("PUT", f"/keys/{me.key_id}", 200, json=_settings(await _view(me), expires_at=soon.isoformat()))
    assert await remind(database, settings, now=now) == 1
    await me.json("PUT", f"/keys/{me.key_id}", 200, json=_settings(await _view(me), expires_at=later.isoformat()))
    assert await remind(database, settings, now=now) == 0
    assert await remind(database, settings, now=later - timedelta(days=1)) == 1


async def test_the_last_use_travels_with_the_clock_in_steps_of_a_minute(people: People) -> None:
    me = await people.person("me", Role.CREATOR)
    began = datetime.now(UTC)
    written = []
    for seconds in (0, 30, 59, 60, 61, 121):
        now = began + timedelta(seconds=seconds)
        if is_use_due(await _row(people, me.key_id), now):
            await people.api.database.transact(record_use(await _row(people, me.key_id), now))
            written.append(seconds)
    assert written == [0, 60, 121]
    assert (await _row(people, me.key_id)).last_used_at == began + timedelta(seconds=121)
    assert timedelta(minutes=1) <= USED_EVERY


def _reads(people: People) -> dict[str, str]:
    """Return what lets the doctor find the database of the test."""
    return {"database_url": people.api.database.engine.url.render_as_string(hide_password=False)}
