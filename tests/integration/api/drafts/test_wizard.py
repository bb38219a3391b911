"""The wizard as a person without scripts has it: five pages, forms, and what is kept of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update

from mailroom.storage.model.login import WebSession
from tests.integration.api.drafts.conftest import BODY, REPORT, draft_of, fill, load, send
from tests.integration.api.login.conftest import OWN_PAGE, Site
from tests.support.html_page import HtmlPage


async def test_a_schedule_is_made_in_five_pages(site: Site) -> None:
    ada = await site.logged_in("ada")
    first = await load(ada, f"/schedules/new?report={REPORT}&template=monday-morning&param.region=APAC")
    assert (first.heading, first.forms["step"].value("report_id")) == ("Which report?", REPORT)
    assert (await site.json("GET", "/drafts", 200))["items"] == []
    twice = [send(ada, "/schedules/new", first.forms["step"].filled(go="next")) for _ in range(2)]
    answers = await asyncio.gather(*twice)
    begun = next(one for one in answers if one.status_code == 303).headers["location"]
    (draft,) = (await site.json("GET", "/drafts", 200))["items"]
    assert begun == f"/drafts/{draft['id']}/frequency"
    step = await load(ada, begun)
    assert (step.forms["step"].value("frequency"), step.current_step) == ("weekly", "2Frequency")
    assert sum("datetime" in one for one in (await ada.get(begun)).text.split("<time ")) >= 10
    answer = await fill(ada, begun, weekly_days=["tue"], weekly_at="08:30")
    assert answer.headers["location"] == f"/drafts/{draft['id']}/parameters"
    answer = await fill(ada, answer.headers["location"])
    assert answer.headers["location"] == f"/drafts/{draft['id']}/destinations"
    kept = (await site.json("GET", f"/drafts/{draft['id']}", 200))["parts"]
    assert kept["timing"]["value"]["timing"] == {
        "frequency": "weekly",
        "days": ["tue"],
        "at": "08:30",
        "timezone": "UTC",
    }
    assert kept["parameters"]["value"]["parameters"]["region"] == "APAC"
    value = {"formats": BODY["formats"], "destinations": BODY["destinations"]}
    await site.json("PUT", f"/drafts/{draft['id']}/destinations", 200, json=value)
    review = f"/drafts/{draft['id']}/review"
    page = await load(ada, review)
    assert any(words.startswith("Activate: first run") for words in page.buttons)
    name = page.forms["step"].value("name")
    answer = await fill(ada, review, "activate")
    made = (await site.json("GET", "/schedules/", 200))["items"]
    assert [(one["name"], f"/schedules/{one['id']}") for one in made] == [(name, answer.headers["location"])]
    again = await send(ada, review, page.forms["step"].filled(go="activate"))
    assert again.status_code == 409
    assert "has become a schedule" in (await load(ada, review)).text


async def test_faults_are_said_in_words_and_kept_as_they_were_typed(site: Site) -> None:
    ada = await site.logged_in("ada")
    nothing = await send(ada, "/schedules/new", [("csrf_token", await ada.token("/me")), ("go", "next")])
    assert (nothing.status_code, "Choose a report." in nothing.text) == (422, True)
    path = f"/drafts/{await draft_of(site, 'ada', body={'report_id': REPORT})}"
    answer = await fill(ada, f"{path}/frequency", frequency="weekly", weekly_days=[], weekly_at="noon")
    wrong = HtmlPage(answer.text)
    assert answer.status_code == 422
    assert "Choose at least one day." in wrong.text
    assert wrong.texts["title"][0].startswith("Error: ")
    assert {"#weekly-days", "#weekly-at"} <= set(wrong.links)
    assert wrong.forms["step"].value("weekly-at") == "noon"
    cron = await fill(ada, f"{path}/frequency", frequency="cron", cron_expression="99 9 * * *")
    assert (cron.status_code, "#cron-expression" in HtmlPage(cron.text).links) == (422, True)
    past = await fill(ada, f"{path}/frequency", frequency="once", once_date="2020-01-01", once_time="09:00")
    assert (past.status_code, "This never fires" in past.text) == (422, True)
    waits = await load(ada, f"{path}/review")
    assert f"{path}/destinations" in waits.links
    assert "step" not in waits.forms
    closed = await fill(ada, f"{path}/frequency", "close")
    assert closed.headers["location"] == "/schedules?view=drafts"


async def test_the_preview_stores_nothing_and_keeps_the_last_good_dates(site: Site) -> None:
    ada = await site.logged_in("ada")
    path = f"/drafts/{await draft_of(site, 'ada', body=BODY)}"
    before = await site.json("GET", path, 200)
    page = await load(ada, f"{path}/frequency")
    sent = page.forms["step"].filled(frequency="weekly", weekly_days=[])
    part = {**OWN_PAGE, "HX-Request": "true", "HX-Request-Type": "partial"}
    token = page.forms["step"].value("csrf_token")
    answer = await ada.post(f"{path}/frequency/preview", data=_form(sent), headers={**part, "X-CSRF-Token": token})
    assert (answer.status_code, "<html" in answer.text, 'class="stale"' in answer.text) == (200, False, True)
    assert "Choose at least one day." in answer.text
    whole = await send(ada, f"{path}/frequency/preview", page.forms["step"].filled(frequency="daily", daily_at="07:00"))
    assert (whole.status_code, "Every day at 07:00" in HtmlPage(whole.text).text) == (200, True)
    assert await site.json("GET", path, 200) == before
    used = await send(ada, f"{path}/frequency/use", page.forms["step"].filled(use="09:07"))
    assert used.headers["location"] == f"{path}/frequency"
    after = await site.json("GET", path, 200)
    assert after["parts"]["timing"]["value"]["timing"]["at"] == "09:07"


def _form(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


async def test_two_windows_choose_field_by_field(site: Site) -> None:
    ada = await site.logged_in("ada")
    draft = await draft_of(site, "ada", body=BODY)
    path = f"/drafts/{draft}/frequency"
    one, two = await load(ada, path), await load(ada, path)
    await send(ada, path, one.forms["step"].filled(daily_at="10:00", overlap="allow", go="next"))
    late = await send(ada, path, two.forms["step"].filled(daily_at="11:00", go="next"))
    assert late.status_code == 409
    page = HtmlPage(late.text)
    form = page.forms[f"/drafts/{draft}/choose"]
    picks = [name for name, _ in form.pairs if name.startswith("pick-")]
    assert len(picks) == 2
    chosen = await send(ada, form.action, form.filled(pick_0="mine", pick_1="saved"))
    assert chosen.headers["location"] == f"/drafts/{draft}/parameters"
    kept = (await site.json("GET", f"/drafts/{draft}", 200))["parts"]["timing"]["value"]
    assert (kept["timing"]["at"], kept["policy"]["overlap"]) == ("11:00", "allow")
    automatic = await send(ada, f"{path}?save=auto", two.forms["step"].filled(daily_at="12:00"))
    assert "another window" in automatic.text
    fresh = await load(ada, path)
    saved = await send(ada, f"{path}?save=auto", fresh.forms["step"].filled(daily_at="12:00"))
    assert "Saved " in saved.text
    assert (await site.json("GET", f"/drafts/{draft}", 200))["parts"]["timing"]["value"]["timing"]["at"] == "12:00"


async def _end_all(site: Site, **values: Any) -> None:
    async with site.database.session() as session:
        await session.execute(update(WebSession).values(**values))


async def test_what_is_typed_when_the_session_is_over_is_shown_after_the_log_in(site: Site) -> None:
    ada = await site.logged_in("ada")
    draft = await draft_of(site, "ada", body=BODY)
    path = f"/drafts/{draft}/frequency"
    page = await load(ada, path)
    before = await site.json("GET", f"/drafts/{draft}", 200)
    long_ago = datetime.now(UTC) - timedelta(hours=9)
    await _end_all(site, last_seen_at=long_ago)
    answer = await send(ada, path, page.forms["step"].filled(daily_at="13:13", go="next"))
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next=%2Fdrafts%2F{draft}%2Ffrequency")
    assert await site.json("GET", f"/drafts/{draft}", 200) == before

    back = await site.browser()
    await back.open_link(await site.link("ext:ada"))
    shown = await load(back, path)
    assert shown.forms["step"].value("daily-at") == "13:13"
    assert "Your entries were kept." in shown.text
    # Nobody else is shown them, an admin neither.
    boss = await site.logged_in("boss", "admin")
    assert (await load(boss, path)).forms["step"].value("daily-at") == "09:00"
    forget = shown.forms[f"/drafts/{draft}/forget"]
    assert (await send(back, forget.action, forget.pairs)).headers["location"] == path
    assert (await load(back, path)).forms["step"].value("daily-at") == "09:00"


async def test_only_a_form_of_the_owners_own_expired_session_is_kept(site: Site) -> None:
    ada, eve = await site.logged_in("ada"), await site.logged_in("eve")
    draft = await draft_of(site, "ada", body=BODY)
    path = f"/drafts/{draft}/frequency"
    page = (await load(ada, path)).forms["step"]
    own = await draft_of(site, "eve", body=BODY)
    hers = (await load(eve, f"/drafts/{own}/frequency")).forms["step"]
    long_ago = datetime.now(UTC) - timedelta(hours=9)
    await _end_all(site, last_seen_at=long_ago)
    # Another's session, another's token, another site, a session that never was, and one that was ended on purpose.
    wrong = [
        (eve, hers.filled(daily_at="13:13"), OWN_PAGE),
        (ada, page.filled(daily_at="13:13", csrf__token="0" * 64), OWN_PAGE),
        (ada, page.filled(daily_at="13:13"), {"Sec-Fetch-Site": "cross-site"}),
        (ada, page.filled(daily_at="13:13", without=("version",)), OWN_PAGE),
    ]
    for browser, pairs, headers in wrong:
        answer = await browser.post(path, data=_form(pairs), headers={**headers, "Accept": "text/html"})
        assert answer.status_code in {303, 401}
    stranger = await site.browser()
    stranger.cookies.set("__Host-mailroom", "x" * 43)
    assert (await send(stranger, path, page.filled(daily_at="13:13"))).status_code == 303
    await _end_all(site, ended_at=long_ago)
    await send(ada, path, page.filled(daily_at="13:13"))
    back = await site.browser()
    await back.open_link(await site.link("ext:ada"))
    shown = await load(back, path)
    assert (shown.forms["step"].value("daily-at"), "Your entries" in shown.text) == ("09:00", False)


async def test_an_edit_saves_what_changed_and_asks_where_the_schedule_changed_meanwhile(site: Site) -> None:
    ada = await site.logged_in("ada")
    act = {"X-Act-For": "ext:ada"}
    made = await site.json("POST", "/schedules/", 201, json={**BODY, "name": "Daily"}, headers=act)
    edit = f"/schedules/{made['id']}/edit"
    page = await load(ada, edit)
    assert (await site.json("GET", "/drafts", 200))["items"] == []
    begun = await send(ada, edit, [*page.forms[edit].pairs[:1], ("step", "frequency")])
    path = begun.headers["location"].partition("?")[0]
    assert begun.headers["location"] == f"{path}?from=review"
    answer = await fill(ada, f"{path}?from=review", daily_at="10:00")
    review = answer.headers["location"]
    assert review == path.replace("frequency", "review")
    assert any(words.startswith("Save: next run moves") for words in (await load(ada, review)).buttons)
    changed = await site.json("PUT", f"/schedules/{made['id']}", 200, json={**BODY, "name": "Renamed"})
    late = await fill(ada, review, "activate")
    assert late.status_code == 409
    form = next(one for at, one in HtmlPage(late.text).forms.items() if at.endswith("/rebase"))
    again = await send(ada, form.action, form.filled())
    assert again.headers["location"] == review
    done = await fill(ada, review, "activate")
    assert done.headers["location"] == f"/schedules/{made['id']}"
    after = await site.json("GET", f"/schedules/{made['id']}", 200)
    assert (after["timing"]["at"], after["etag"] != changed["etag"]) == ("10:00", True)


async def test_what_is_not_ones_own_is_not_there(site: Site) -> None:
    ada, eve, viewer = [
        await site.logged_in(name, role) for name, role in (("ada", "creator"), ("eve", "creator"), ("vic", "viewer"))
    ]
    draft = await draft_of(site, "ada", body=BODY)
    for name in ("report", "frequency", "parameters", "destinations", "review"):
        assert (await ada.get(f"/drafts/{draft}/{name}")).status_code == 200
        assert (await eve.get(f"/drafts/{draft}/{name}")).status_code == 404
        assert (await viewer.get(f"/drafts/{draft}/{name}")).status_code == 403
    assert (await viewer.get("/schedules/new")).status_code == 403
    assert (await load(ada, "/schedules/new?report=gone")).text.count("no longer there") >= 1
    thrown = await send(ada, f"/drafts/{draft}/delete", [("csrf_token", await ada.token("/me"))])
    assert (thrown.status_code, (await ada.get(f"/drafts/{draft}")).status_code) == (303, 404)


async def test_a_copy_starts_paused_and_a_schedule_becomes_a_template(site: Site) -> None:
    ada = await site.logged_in("ada")
    act = {"X-Act-For": "ext:ada"}
    made = await site.json("POST", "/schedules/", 201, json={**BODY, "name": "Daily"}, headers=act)
    page = await load(ada, f"/schedules/new?from={made['id']}")
    assert page.heading == "Duplicate Daily"
    begun = await send(ada, "/schedules/new", page.forms["step"].filled(go="next"))
    review = begun.headers["location"]
    buttons = (await load(ada, review)).buttons
    assert buttons.index("Save paused") < buttons.index("Save as template")
    done = await fill(ada, review, "paused")
    copy = await site.json("GET", f"/schedules/{done.headers['location'].rpartition('/')[2]}", 200)
    assert (copy["state"], copy["name"]) == ("paused", "Daily (copy)")

    form = (await load(ada, f"/templates/new?schedule={made['id']}")).forms["/templates"]
    assert (await send(ada, "/templates", form.filled(title=""))).status_code == 422
    assert (await send(ada, "/templates", form.filled(title="Mine"))).headers["location"] == "/templates"
    cards = await load(ada, "/templates")
    edit = next(link for link in cards.links if link.endswith("/edit"))
    share, delete = edit.replace("/edit", "/share"), edit.replace("/edit", "/delete")
    await send(ada, edit, (await load(ada, edit)).forms[edit].filled(title="Ours"))
    await send(ada, share, (await load(ada, share)).forms[share].filled(roles_=["creator"]))
    eve = await site.logged_in("eve")
    assert "Ours" in (await load(eve, "/templates")).text
    assert (await eve.get(edit)).status_code == 403
    await send(ada, delete, (await load(ada, delete)).forms[delete].pairs)
    assert "Ours" not in (await load(ada, "/templates")).text
