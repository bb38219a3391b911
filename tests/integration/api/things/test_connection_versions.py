"""Two people who change a connection at once do not overwrite each other unseen; lists say as whom each sends."""

from __future__ import annotations

import pytest

from prefect_mailroom import outbound
from tests.integration.api.conftest import Api
from tests.integration.api.test_connections_online import smtp_settings


async def test_a_stale_change_or_deletion_of_a_connection_is_refused(online: Api) -> None:
    before = await online.http.get("/api/v1/connections/shared")
    body = {"kind": "folder", "settings": before.json()["settings"]}
    mine = {"If-Match": before.headers["ETag"]}
    after = await online.http.put("/api/v1/connections/shared", json=body, headers=mine)
    assert (after.status_code, after.headers["ETag"]) == (200, after.json()["etag"])
    assert after.headers["ETag"] != before.headers["ETag"]

    await online.json("PUT", "/connections/shared", 412, json=body, headers=mine)
    await online.json("DELETE", "/connections/shared", 412, headers=mine)

    current = await online.http.get("/api/v1/connections/shared")
    assert current.headers["ETag"] == after.headers["ETag"]
    await online.json("POST", "/connections/shared/check", 200)
    await online.json("DELETE", "/connections/shared", 204, headers={"If-Match": current.headers["ETag"]})


async def test_the_list_says_as_whom_each_sends(online: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    made = {"name": "mail", "kind": "email", "settings": {**smtp_settings(2525), "from_name": "Reports"}}
    await online.json("POST", "/connections", 201, json=made)
    plain = await online.json("GET", "/connections", 200)
    assert {one["sends_as"] for one in plain["items"]} == {None}
    listed = (await online.json("GET", "/connections?senders=true", 200))["items"]
    said = {one["name"]: one["sends_as"] for one in listed}
    assert (said["mail"], said["warehouse"]) == ("Reports <reports@example.com>", "")
    assert said["shared"].endswith("/shared")
    assert (await online.json("GET", "/connections/mail", 200))["sends_as"] == said["mail"]


async def test_without_prefect_the_list_is_shown_without_senders(offline: Api) -> None:
    listed = (await offline.json("GET", "/connections?senders=true&uses=true", 200))["items"]
    assert {one["sends_as"] for one in listed} == {None}
