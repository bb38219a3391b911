"""The wizard's steps about data and recipients, by plain forms as a browser without scripts sends them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prefect_mailroom import outbound
from tests.integration.api.conftest import Api
from tests.support.pages import HTML, Element, read
from tests.support.smtp import SmtpServer, smtp_settings

HOSTILE = '"><script>alert(1)</script>\u202eevil {{7*7}} \N{GRINNING FACE}'
TIMING = {"frequency": "weekly", "days": ["mon"], "at": "09:00", "timezone": "Europe/Berlin"}


async def _draft(api: Api, **body: Any) -> str:
    given = {"report_id": "orders", "timing": TIMING, **body}
    return str((await api.json("POST", "/drafts", 201, json={"body": given}))["id"])


async def _page(api: Api, path: str, status: int = 200) -> Element:
    answer = await api.http.get(path, headers=HTML)
    assert answer.status_code == status, answer.text
    return read(answer)


async def _post(api: Api, path: str, form: dict[str, Any], **headers: str) -> Any:
    return await api.http.post(path, data=form, headers={**HTML, **headers})


def _form(page: Element) -> dict[str, Any]:
    """Return what a browser sends of the step, lists of ticked boxes included."""
    form = page.one("form", id="step")
    ticked = [one for one in form.all("input", type="checkbox") if "checked" in one.attributes]
    lists: dict[str, list[str]] = {}
    for one in ticked:
        if one.attributes["name"].endswith("-"):
            lists.setdefault(one.attributes["name"], []).append(one.attributes["value"])
    return {**form.fields(), **lists}


async def _stored(api: Api, draft: str, part: str) -> Any:
    return (await api.json("GET", f"/drafts/{draft}", 200))["parts"][part]["value"]


async def test_parameters_are_asked_for_saved_and_explained(offline: Api) -> None:
    draft = await _draft(offline)
    page = await _page(offline, f"/drafts/{draft}/parameters")
    form = _form(page)
    assert (form["parameters-region"], form["parameters-least"]) == ("all", "0")
    assert len(page.one(id="panel").all("time")) == 3

    wrong = await _post(offline, f"/drafts/{draft}/parameters", {**form, "parameters-least": HOSTILE})
    assert wrong.status_code == 422
    page = read(wrong)
    assert page.one(class_="error-summary").one("a").attributes["href"] == "#parameters-least"
    assert page.one("input", id="parameters-least").attributes["value"] == HOSTILE
    assert "<script>alert" not in wrong.text

    right = {**_form(page), "parameters-least": "5", "parameters-region": "EMEA", "condition-send_if": "rows"}
    saved = await _post(offline, f"/drafts/{draft}/parameters", right)
    assert (saved.status_code, saved.headers["Location"]) == (303, f"/drafts/{draft}/destinations")
    assert await _stored(offline, draft, "parameters") == {
        "parameters": {"region": "EMEA", "least": 5},
        "condition": {"send_if": "rows"},
    }
    told = await _post(offline, f"/drafts/{draft}/parameters/preview", right, **{"HX-Request-Type": "partial"})
    assert read(told).one("section", id="panel").one("dl").text == "Region EMEA Least 5"


async def test_a_report_without_parameters_says_so_and_goes_on(offline: Api, report_body: dict[str, Any]) -> None:
    source = {**report_body["source"], "queries": {"orders": "SELECT region FROM orders"}}
    plain = {**report_body, "id": "plain", "source": source, "parameters": {"type": "object", "properties": {}}}
    await offline.json("POST", "/reports", 201, json=plain)
    draft = await _draft(offline, report_id="plain")
    page = await _page(offline, f"/drafts/{draft}/parameters")
    assert "nothing to choose" in page.one("form", id="step").text
    saved = await _post(offline, f"/drafts/{draft}/parameters", _form(page))
    assert saved.status_code == 303


async def test_a_step_waits_for_the_report(offline: Api) -> None:
    draft = str((await offline.json("POST", "/drafts", 201, json={"body": {"timing": TIMING}}))["id"])
    for step in ("parameters", "destinations"):
        page = await _page(offline, f"/drafts/{draft}/{step}")
        assert f"/drafts/{draft}/report" in {one.attributes.get("href") for one in page.one(class_="warn").all("a")}
    shown = await _post(offline, f"/drafts/{draft}/parameters/data", {})
    assert shown.status_code == 200


async def test_the_data_are_shown_in_a_frame_that_runs_nothing(online: Api) -> None:
    draft = await _draft(online)
    form = _form(await _page(online, f"/drafts/{draft}/parameters"))
    shown = await _post(online, f"/drafts/{draft}/parameters/data", {**form, "parameters-region": "EMEA"})
    frame = read(shown).one("iframe")
    assert frame.attributes["sandbox"] == ""
    body = await online.http.get(frame.attributes["src"], headers=HTML)
    assert "EMEA" in body.text
    assert "APAC" not in body.text
    policy = body.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "frame-ancestors 'self'" in policy
    assert "X-Frame-Options" not in body.headers

    wrong = await _post(online, f"/drafts/{draft}/parameters/data", {**form, "parameters-least": "many"})
    assert not read(wrong).all("iframe")
    assert read(wrong).one(id="data").one(role="alert")


async def test_cards_are_added_filled_in_and_removed_by_plain_forms(offline: Api) -> None:
    draft = await _draft(offline)
    here = f"/drafts/{draft}/destinations"
    empty = await _post(offline, here, _form(await _page(offline, here)))
    assert empty.status_code == 422
    assert read(empty).one(class_="error-summary").one("a").attributes["href"] == "#destinations"

    asked = await _post(offline, f"{here}/add", _form(read(empty)))
    assert asked.headers["Location"] == f"{here}/add"
    page = await _page(offline, f"{here}/add")
    chosen = [one for one in page.all("input", type="radio") if "checked" in one.attributes]
    assert [one.attributes["value"] for one in chosen] == ["email"]
    sftp = page.one("input", type="radio", value="sftp")
    assert "disabled" in sftp.attributes
    add = page.all("form")[-1]
    added = await _post(offline, add.attributes["action"], add.fields())
    assert added.headers["Location"] == f"{here}#destinations-0"
    folder = await _post(offline, add.attributes["action"], {**add.fields(), "channel": "folder"})
    assert folder.headers["Location"] == f"{here}#destinations-1"
    none = await _post(offline, add.attributes["action"], {**add.fields(), "channel": "sftp"})
    assert none.status_code == 422

    form = _form(await _page(offline, here))
    assert (form["destinations-0-subject"], form["formats-"]) == ("{report_name} {date}", ["csv"])
    people = "Ada <ada@example.org>; ada@example.org\r\nsales@\r\n" + HOSTILE
    wrong = await _post(offline, here, {**form, "destinations-0-to": people, "destinations-0-subject": "{regoin}"})
    assert wrong.status_code == 422
    page = read(wrong)
    links = {one.attributes["href"] for one in page.one(class_="error-summary").all("a")}
    assert links == {"#destinations-0-to", "#destinations-0-subject"}
    assert "{param_region}" in page.one(class_="error-summary").text
    assert page.one("textarea", id="destinations-0-to").text.startswith("Ada <ada@example.org>; ada@example.org sales@")
    assert "<script>alert" not in wrong.text
    assert "1 recognised, 1 repeated, " in page.one(id="destinations-0-found").text

    good = {**_form(page), "destinations-0-to": "Ada <ada@example.org>, bo@example.org"}
    good["destinations-0-subject"] = "{report_name} {param_region}"
    preview = await _post(offline, f"{here}/preview?at=1", good, **{"HX-Request-Type": "partial"})
    assert "orders/" in read(preview).one(id="destinations-1-preview").text
    assert ".csv" in read(preview).text
    saved = await _post(offline, here, good)
    assert saved.headers["Location"] == f"/drafts/{draft}/review"
    stored = await _stored(offline, draft, "destinations")
    assert stored["destinations"][0]["to"] == ["ada@example.org", "bo@example.org"]

    form = _form(await _page(offline, here))
    dropped = await _post(offline, f"{here}/drop", {**form, "drop": "0 to ada@example.org"})
    assert dropped.headers["Location"] == f"{here}#destinations-0-to"
    form = _form(await _page(offline, here))
    inserted = await _post(offline, f"{here}/insert", {**form, "insert": "1 {time}"})
    assert inserted.headers["Location"] == f"{here}#destinations-1-path"
    stored = (await _stored(offline, draft, "destinations"))["destinations"]
    assert (stored[0]["to"], stored[1]["path"][-11:]) == (["bo@example.org"], ".{ext}{time}"[-11:])
    form = _form(await _page(offline, here))
    assert (await _post(offline, f"{here}/remove?at=0", form)).status_code == 303
    stored = (await _stored(offline, draft, "destinations"))["destinations"]
    assert [one["channel"] for one in stored] == ["folder"]


async def test_a_button_of_a_stale_window_overwrites_nothing(offline: Api) -> None:
    folder = {"channel": "folder", "connection": "shared"}
    draft = await _draft(offline, formats=["csv"], destinations=[folder])
    here = f"/drafts/{draft}/destinations"
    old = _form(await _page(offline, here))
    newer = await _post(offline, here, {**old, "destinations-0-path": "new.{ext}"})
    assert newer.status_code == 303
    assert (await _post(offline, f"{here}/remove?at=0", old)).status_code == 409
    stored = (await _stored(offline, draft, "destinations"))["destinations"]
    assert stored[0]["path"] == "new.{ext}"


async def test_a_card_is_checked_and_tested_in_place(
    online: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    async with SmtpServer().serving() as server:
        settings = {**smtp_settings(server.port), "from_address": "reports@example.org", "from_name": HOSTILE[:20]}
        await online.json("POST", "/connections", 201, json={"name": "smtp", "kind": "email", "settings": settings})
        mail = {"channel": "email", "connection": "smtp", "to": ["nobody@", "ada@example.org"], "subject": "Hi {date}"}
        folder = {"channel": "folder", "connection": "shared"}
        draft = await _draft(online, formats=["csv"], destinations=[mail, folder])
        here = f"/drafts/{draft}/destinations"
        form = _form(await _page(online, here))

        checked = read(await _post(online, f"{here}/check?at=0", form)).one(id="destinations-0-result")
        assert "The connection works." in checked.text
        assert len(checked.all("li")) >= 2
        assert not server.mails

        sent = read(await _post(online, f"{here}/test?at=0", form)).one(id="destinations-0-result")
        assert sent.one(role="status")
        ((_, message),) = server.mails
        assert message["Subject"].startswith("[Test] Hi ")
        assert [part.get_filename() for part in message.iter_attachments()] == ["orders.csv"]
        assert not (await online.json("GET", "/schedules", 200))["items"]

        filed = read(await _post(online, f"{here}/test?at=1", form)).one(id="destinations-1-result")
        assert filed.one(role="status")
        assert [one.name for one in (tmp_path / "shared" / "test").rglob("*.csv")] == ["orders.csv"]
    refused = read(await _post(online, f"{here}/check?at=0", form)).one(id="destinations-0-result")
    assert refused.one(role="alert")
    gone = await online.http.get(f"{here}/result?name=none&what=check&at=0", headers=HTML)
    assert "not known" in read(gone).one(id="destinations-0-result").text


async def test_the_whole_mail_is_shown_before_anything_is_stored(online: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    connection = {"name": "smtp", "kind": "email", "settings": smtp_settings(9)}
    await online.json("POST", "/connections", 201, json=connection)
    mail = {
        "channel": "email",
        "connection": "smtp",
        "to": ["ada@example.org"],
        "bcc": ["bo@example.org"],
        "text": HOSTILE,
    }
    body = {"report_id": "orders", "timing": TIMING, "formats": ["csv"], "destination": mail}
    shown = await online.json("POST", "/distribution/preview/message", 200, json=body)
    assert (shown["sender"], shown["to"], shown["hidden"]) == (
        *("reports@example.com", ["ada@example.org"], ["bo@example.org"]),
    )
    assert shown["subject"].startswith("Orders 20")
    assert [one["name"] for one in shown["files"]] == ["orders.csv"]
    assert "<script>alert" not in shown["html"]
    assert "1,200" in shown["html"] or "1200" in shown["html"]
    folder = {"channel": "folder", "connection": "shared"}
    await online.json("POST", "/distribution/preview/message", 422, json={**body, "destination": folder})
    nobody = {**mail, "to": [], "bcc": []}
    await online.json("POST", "/distribution/preview/message", 422, json={**body, "destination": nobody})
