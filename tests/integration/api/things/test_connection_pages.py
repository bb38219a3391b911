"""The pages of connections: the list, a new one, one with its check, its settings, and its deletion."""

from __future__ import annotations

from pathlib import Path

from tests.integration.api.conftest import Api
from tests.support.pages import HTML, read


async def test_the_list_says_how_each_stands(offline: Api) -> None:
    page = read(await offline.http.get("/connections", headers=HTML))
    assert {one.text for one in page.all("caption")} == {"Where reports go", "Where their data come from"}
    rows = {row.one("a").text: row for row in page.all("tr") if row.all("a")}
    assert set(rows) == {"shared", "corp-smtp", "warehouse"}
    assert "Works" in rows["shared"].text
    assert rows["warehouse"].all("td", data_label="Used by")[0].text == "1"
    assert page.one("h1").text == "Connections"


async def test_a_connection_is_made_checked_changed_and_deleted(online: Api, tmp_path: Path) -> None:
    kinds = read(await online.http.get("/connections/new", headers=HTML))
    assert "/connections/new?kind=folder" in {one.attributes["href"] for one in kinds.all("a")}
    form = read(await online.http.get("/connections/new?kind=folder", headers=HTML)).all("form")[-1]
    wrong = {**form.fields(), "name": "Not A Name", "settings-root": "relative"}
    refused = await online.http.post("/connections/new?kind=folder", data=wrong, headers=HTML)
    page = read(refused)
    assert refused.status_code == 422
    links = {one.attributes["href"] for one in page.one(class_="error-summary").all("a")}
    assert {"#name", "#settings-root"} >= links
    assert page.all("form")[-1].fields()["settings-root"] == "relative"

    folder = tmp_path / "out"
    folder.mkdir()
    right = {**wrong, "name": "out", "settings-root": str(folder)}
    checked = read(await online.http.post("/connections/new/check?kind=folder", data=right, headers=HTML))
    assert checked.one("h2", **{"data-focus": ""}).text.startswith("The connection works")
    made = await online.http.post("/connections/new?kind=folder", data=right, headers=HTML)
    assert (made.status_code, made.headers["Location"]) == (303, "/connections/out")

    checked = read(await online.http.post("/connections/out/check", headers=HTML))
    assert len(checked.one("ol", class_="timeline").all("li")) >= 2
    tested = read(await online.http.post("/connections/out/test", headers=HTML))
    assert tested.one("h2", **{"data-focus": ""}).text.startswith("The test message went")
    assert list(folder.rglob("*.txt"))

    edit = read(await online.http.get("/connections/out/edit", headers=HTML)).all("form")[-1].fields()
    theirs = await online.http.post("/connections/out/edit", data={**edit, "description": "Theirs"}, headers=HTML)
    assert theirs.status_code == 303
    stale = await online.http.post("/connections/out/edit", data={**edit, "description": "Mine"}, headers=HTML)
    page = read(stale)
    assert stale.status_code == 409
    row = page.one(class_="error-summary").one("tbody").one("tr")
    assert [one.text for one in row.all("td")] == ["Mine", "Theirs"]
    mine = page.all("form")[-1].fields()
    assert (await online.http.post("/connections/out/edit", data=mine, headers=HTML)).status_code == 303
    assert (await online.json("GET", "/connections/out", 200))["description"] == "Mine"

    ask = read(await online.http.get("/connections/out/delete", headers=HTML)).all("form")[-1].fields()
    gone = await online.http.post("/connections/out/delete", data=ask, headers=HTML)
    assert (gone.status_code, gone.headers["Location"]) == (303, "/connections")
    await online.json("GET", "/connections/out", 404)


async def test_one_that_is_used_is_not_deleted_and_says_by_whom(online: Api) -> None:
    asked = read(await online.http.get("/connections/warehouse/delete", headers=HTML))
    assert "/reports/orders" in {one.attributes.get("href") for one in asked.all("a")}
    assert not asked.all("button", class_="bad")
    assert (await online.http.post("/connections/warehouse/delete", headers=HTML)).status_code == 409


async def test_no_secret_comes_back_and_one_that_would_go_elsewhere_is_asked_for(online: Api) -> None:
    body = {
        "kind": "http",
        "settings": {"base_url": "https://bi.example.com", "auth": "bearer", "auth_secret": "s3cr3t-x"},
    }
    await online.json("POST", "/connections", 201, json={"name": "bi", **body})
    page = read(await online.http.get("/connections/bi/edit", headers=HTML))
    field = page.one("input", id="settings-auth_secret")
    hint = page.one(id="settings-auth_secret-hint").text
    assert (field.attributes["value"], hint.startswith("Set on")) == ("", True)
    fields = page.all("form")[-1].fields()
    assert (await online.http.post("/connections/bi/edit", data=fields, headers=HTML)).status_code == 303

    fields = read(await online.http.get("/connections/bi/edit", headers=HTML)).all("form")[-1].fields()
    elsewhere = {**fields, "settings-base_url": "https://evil.example.com"}
    refused = await online.http.post("/connections/bi/edit", data=elsewhere, headers=HTML)
    assert refused.status_code == 422
    assert read(refused).all(id="settings-auth_secret-error")
    typed = {**elsewhere, "settings-auth_secret": "n3w-s3cr3t-y", "settings-timeout_seconds": "never"}
    again = await online.http.post("/connections/bi/edit", data=typed, headers=HTML)
    assert (again.status_code, "n3w-s3cr3t-y" in again.text, "s3cr3t-x" in again.text) == (422, False, False)


async def test_without_prefect_a_connection_is_shown_without_its_settings(offline: Api) -> None:
    answer = await offline.http.get("/connections/shared", headers=HTML)
    page = read(answer)
    assert (answer.status_code, "Prefect is not answering" in page.one(id="settings").text) == (200, True)
    checked = await offline.http.post("/connections/shared/check", headers=HTML)
    assert (checked.status_code, bool(read(checked).all(id="result-card"))) == (422, True)
