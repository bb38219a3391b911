"""SECURITY-TESTS 28 to 30: keys of users, from the first use to the refusal; paths; and Prefect's API behind ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from mailroom.access import tokens
from mailroom.members import keys as user_keys
from mailroom.members.keys import remind
from mailroom.roles import Role
from mailroom.storage.model.access import ApiKey
from tests.integration.api.access.people import People
from tests.integration.api.conftest import KEY, SCHEDULE


async def _row(people: People, key_id: str) -> ApiKey:
    async with people.api.database.session() as session:
        return (await session.scalars(select(ApiKey).where(ApiKey.id == key_id))).one()


async def _set(people: People, key_id: str, **values: datetime | None) -> None:
    async with people.api.database.session() as session:
        row = (await session.scalars(select(ApiKey).where(ApiKey.id == key_id))).one()
        for name, value in values.items():
            setattr(row, name, value)


async def test_a_key_is_shown_once_and_kept_as_a_digest(people: People) -> None:
    me = await people.person("me", Role.CREATOR)
    row = await _row(people, me.key_id)
    assert me.key.startswith(f"{row.prefix}_")
    assert row.digest == tokens.digest(me.key, people.api.settings.key_pepper.get_secret_value())
    assert row.digest != tokens.digest(me.key, "another pepper of thirty-two characters")
    secret = me.key.removeprefix(row.prefix)
    for path in ("/keys", "/audit"):
        answer = await people.api.http.get(f"/api/v1{path}")
        assert row.prefix in answer.text
        assert secret not in answer.text
    async with people.api.database.engine.connect() as connection:
        dump = str((await connection.exec_driver_sql("SELECT * FROM api_keys")).all())
    assert secret not in dump


async def test_29_a_revoked_key_is_refused_on_the_next_request(people: People) -> None:
    me = await people.person("me", Role.CREATOR)
    await me.json("GET", "/schedules/", 200)
    other = await people.with_key(me.id, me.email, "write")
    await other.json("DELETE", f"/keys/{me.key_id}", 204)
    refused = await me.json("GET", "/schedules/", 401)
    wrong = await people.client("mrk_0000000000000000_" + "0" * 64).get("/api/v1/schedules/")
    assert wrong.json() == refused
    await other.json("GET", "/schedules/", 200)
    await other.json("DELETE", f"/keys/{me.key_id}", 204)


async def test_29_a_disabled_user_is_refused_on_the_next_request(people: People) -> None:
    me = await people.person("me", Role.CREATOR)
    await me.json("GET", "/schedules/", 200)
    await people.api.json("DELETE", f"/users/{me.id}", 200)
    await me.json("GET", "/schedules/", 403)
    await people.api.json("GET", "/schedules/", 403, headers={"X-Act-For": me.id})


async def test_29_an_expired_key_is_refused(people: People) -> None:
    me = await people.person("me", Role.CREATOR)
    await _set(people, me.key_id, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    await me.json("GET", "/schedules/", 401)


async def test_29_a_role_that_was_taken_away_is_gone_on_the_next_request(people: People) -> None:
    me = await people.person("me", Role.ADMIN)
    await me.json("GET", "/connections/shared/grants", 200)
    body = {"email": me.email, "name": "Me", "role": "viewer"}
    await people.api.json("PUT", f"/users/{me.id}", 200, json=body)
    await me.json("GET", "/connections/shared/grants", 403)
    await me.json("POST", "/schedules/", 403, json=SCHEDULE)
    await me.json("GET", "/schedules/", 200)


@pytest.mark.parametrize(("scope", "looks", "changes", "manages"), [("read", 200, 403, 403), ("write", 200, 201, 403)])
async def test_a_narrow_key_of_an_admin(people: People, scope: str, looks: int, changes: int, manages: int) -> None:
    me = await people.person("me", Role.ADMIN, scope=scope)
    await me.json("GET", "/schedules/", looks)
    await me.json("POST", "/schedules/", changes, json=SCHEDULE)
    await me.json("POST", "/teams", manages, json={"name": "New"})
    await me.json("GET", "/schedules/", 403, headers={"X-Act-For": me.id})
    assert (await me.http.post("/api/v1/keys", json={"name": "more", "scope": "admin"})).status_code in (403, 422)


async def test_a_key_is_never_more_than_its_owner_or_its_maker(people: People) -> None:
    viewer = await people.person("viewer", Role.VIEWER)
    problem = await people.api.json("POST", "/keys", 422, json={"name": "more", "scope": "write", "user": "ext:viewer"})
    assert problem["errors"][0]["field"] == "scope"
    await viewer.json("POST", "/keys", 403, json={"name": "own"})
    me, _mate = await people.person("me", Role.CREATOR), await people.person("mate", Role.CREATOR)
    problem = await me.json("POST", "/keys", 422, json={"name": "theirs", "user": "ext:mate"})
    assert problem["errors"][0]["field"] == "user"  # Of another team, so as if there were nobody.
    problem = await me.json("POST", "/keys", 422, json={"name": "long", "expires_in_days": 3000})
    assert problem["errors"][0]["field"] == "expires_in_days"


async def test_the_last_use_is_written_at_most_once_a_minute(people: People) -> None:
    me = await people.person("me", Role.CREATOR)
    assert (await _row(people, me.key_id)).last_used_at is None
    await me.json("GET", "/schedules/", 200)
    first = (await _row(people, me.key_id)).last_used_at
    assert first is not None
    await me.json("GET", "/schedules/", 200)
    assert (await _row(people, me.key_id)).last_used_at == first
    earlier = first - timedelta(seconds=61)
    await _set(people, me.key_id, last_used_at=earlier)
    await me.json("GET", "/schedules/", 200)
    later = (await _row(people, me.key_id)).last_used_at
    assert later is not None
    assert later >= first


async def test_an_owner_is_reminded_once_before_a_key_expires(people_of_either: People) -> None:
    people = people_of_either
    me = await people.person("me", Role.CREATOR)
    other = await people.person("other", Role.CREATOR)
    now = datetime.now(UTC)
    await _set(people, me.key_id, expires_at=now + timedelta(days=13))
    await _set(people, other.key_id, expires_at=now + timedelta(days=15))
    assert await remind(people.api.database, people.api.settings, now=now) == 1
    assert await remind(people.api.database, people.api.settings, now=now) == 0
    (note,) = (await me.json("GET", "/notifications", 200))["items"]
    assert "test" in note["title"]
    assert (await other.json("GET", "/notifications", 200))["items"] == []
    assert "key reminders" in {loop.health.name for loop in people.api.app.state.services.loops}
    assert user_keys.EVERY_SECONDS < 86400


async def test_without_a_pepper_no_key_is_made(people: People) -> None:
    settings = people.api.settings.model_copy(update={"key_pepper": type(people.api.settings.key_pepper)("")})
    services = people.api.app.state.services
    object.__setattr__(services, "settings", settings)
    problem = await people.api.json("POST", "/keys", 422, json={"name": "new"})
    assert "MAILROOM_KEY_PEPPER" in problem["remedy"]


DOORS = (
    "/api/v1/schedules/healthz",
    "/api/v1/schedules/x%2Fhealthz",
    "/healthz/",
    "/HEALTHZ",
    "/healthz/schedules",
    "/readyz/../api/v1/schedules/",
    "/docs/",
    "/api/v1/openapi.json/",
    "/api/v1/openapi.json/../schedules/",
    "/API/V1/schedules/",
)
PREFECT = ("/api/flow_runs/filter", "/api/block_documents/filter", "/api/v1/block_documents", "/api/admin/settings")
HALF_KEYS = (
    "",
    "mrk_",
    "mrk_0000000000000000_",
    "mrk_" + "0" * 16 + "_" + "g" * 64,
    "\u00e9" * 90,
    "\x00",
)


async def test_security_28_no_name_or_suffix_opens_a_door(people: People) -> None:
    without = people.client("wrong")
    del without.headers["Authorization"]
    for path in DOORS:
        answer = await without.get(path)
        assert answer.status_code == 401, f"{path}: {answer.text}"


async def test_security_28_things_named_like_open_paths_need_a_key_too(people: People) -> None:
    without = people.client("wrong")
    for name in ("healthz", "readyz", "docs"):
        for collection in ("reports", "calendars", "connections", "users", "teams"):
            assert (await without.get(f"/api/v1/{collection}/{name}")).status_code == 401
            assert (await people.api.http.get(f"/api/v1/{collection}/{name}")).status_code == 404


async def test_security_30_prefects_api_is_not_reachable_through_ours(people: People) -> None:
    for path in PREFECT:
        for method in ("GET", "POST"):
            assert (await people.client("wrong").request(method, path)).status_code == 401
            assert (await people.client(KEY).request(method, path, json={})).status_code == 404


async def test_29_no_half_key_logs_in(people: People) -> None:
    me, client = await people.person("me", Role.CREATOR), people.client("x")
    prefix = (await _row(people, me.key_id)).prefix
    for given in (*HALF_KEYS, prefix, f"{prefix}_{'0' * 64}", f"{me.key}0", me.key.upper()):
        headers = [(b"authorization", b"Bearer " + given.encode())]
        answer = await client.get("/api/v1/schedules/", headers=headers)
        assert answer.status_code == 401, given
