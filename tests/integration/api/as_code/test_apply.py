"""`POST /api/v1/apply`: what documents do to what is there."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api.actions.apply import observing
from tests.integration.api.conftest import Api
from tests.support import documents
from tests.support.gates import held_before


async def apply(
    api: Api, *given: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None, **more: Any
) -> Any:
    return await api.json("POST", "/apply", status, json={"documents": list(given), **more}, headers=headers)


def outcomes(answer: Any) -> dict[str, str]:
    return {f"{one['kind']}/{one['name']}": one["outcome"] for one in answer["items"]}


def codes(answer: Any) -> list[tuple[str, str]]:
    return [(fault["field"], fault["code"]) for one in answer["items"] for fault in one["errors"]]


async def test_what_is_new_is_created_and_the_same_again_changes_nothing(either: Api) -> None:
    given = [
        documents.schedule(
            timing={"frequency": "daily", "at": "09:00", "timezone": "Europe/Berlin", "calendar": "office"}
        ),
        documents.report("orders-2"),
        documents.calendar(),
        documents.document("team", "sales", {"name": "Sales EMEA"}),
    ]
    first = await apply(either, *given, source="reports@1")
    assert outcomes(first) == {
        "team/sales": "created",
        "calendar/office": "created",
        "report/orders-2": "created",
        "schedule/daily-orders": "created",
    }
    (row,) = (await either.json("GET", "/schedules/", 200))["items"]
    assert (row["name"], row["timing"]["calendar"]) == ("Daily orders", "office")
    second = await apply(either, *given, source="reports@2")
    assert second["unchanged"] == 4
    (again,) = (await either.json("GET", "/schedules/", 200))["items"]
    assert again["etag"] == row["etag"], "nothing was written"
    applied = (await either.json("GET", "/audit?action=applied", 200))["items"]
    assert [one["detail"]["source"] for one in applied] == ["reports@1"]


async def test_a_dry_run_says_the_same_and_changes_nothing(offline: Api) -> None:
    answer = await apply(offline, documents.calendar(), documents.schedule(), dry_run=True)
    assert outcomes(answer) == {"calendar/office": "created", "schedule/daily-orders": "created"}
    assert (await offline.json("GET", "/schedules/", 200))["items"] == []
    assert (await offline.json("GET", "/calendars", 200))["items"] == []


async def test_each_part_that_differs_is_told_with_before_and_after(offline: Api) -> None:
    await apply(offline, documents.schedule())
    wanted = documents.schedule(formats=["csv", "html"], state="paused")
    answer = await apply(offline, wanted, dry_run=True)
    (item,) = answer["items"]
    assert {one["field"]: (one["before"], one["after"]) for one in item["differences"]} == {
        "spec.formats": (["csv"], ["csv", "html"]),
        "state": ("active", "paused"),
    }
    assert (item["outcome"], item["by_hand"]) == ("changed", False)
    assert (await apply(offline, wanted))["changed"] == 1
    (row,) = (await offline.json("GET", "/schedules/", 200))["items"]
    assert (row["formats"], row["state"]) == (["csv", "html"], "paused")


async def test_a_change_by_hand_is_told_and_put_back(offline: Api) -> None:
    await apply(offline, documents.schedule())
    (row,) = (await offline.json("GET", "/schedules/", 200))["items"]
    patch = {"content": b'{"name": "By hand"}', "headers": {"Content-Type": "application/merge-patch+json"}}
    await offline.json("PATCH", f"/schedules/{row['id']}", 200, **patch)
    (item,) = (await apply(offline, documents.schedule(), dry_run=True))["items"]
    assert (item["outcome"], item["by_hand"]) == ("changed", True)
    await apply(offline, documents.schedule())
    assert (await offline.json("GET", f"/schedules/{row['id']}", 200))["name"] == "Daily orders"
    (item,) = (await apply(offline, documents.schedule(), dry_run=True))["items"]
    assert (item["outcome"], item["by_hand"]) == ("unchanged", False)


async def test_what_is_there_already_is_adopted_where_it_is_the_same_or_where_that_is_asked_for(offline: Api) -> None:
    same = documents.schedule()
    row = await offline.json("POST", "/schedules/", 201, json=same["spec"])
    other = documents.schedule(formats=["html"])
    refused = await apply(offline, other)
    assert codes(refused) == [("name", "not_from_code")]
    assert (await offline.json("GET", f"/schedules/{row['id']}", 200))["formats"] == ["csv"]
    adopted = await apply(offline, same)
    assert outcomes(adopted) == {"schedule/daily-orders": "adopted"}
    assert adopted["items"][0]["id"] == row["id"]
    elsewhere = await apply(offline, documents.report(title="Other orders"), bundle="two")
    assert codes(elsewhere) == [("name", "not_from_code")]
    taken = await apply(offline, documents.report(title="Other orders"), bundle="two", adopt=True)
    assert outcomes(taken) == {"report/orders": "adopted"}
    assert codes(await apply(offline, documents.report(), bundle="three")) == [("name", "other_bundle")]


async def test_a_document_that_fails_stops_no_other_and_the_next_time_it_goes_on(offline: Api) -> None:
    broken = documents.schedule("broken", parameters={"region": "Mars"})
    answer = await apply(offline, broken, documents.schedule())
    assert outcomes(answer) == {"schedule/broken": "failed", "schedule/daily-orders": "created"}
    assert codes(answer)[0][0] == "spec.parameters.region"
    answer = await apply(offline, documents.schedule("broken", name="Broken"), documents.schedule())
    assert outcomes(answer) == {"schedule/broken": "created", "schedule/daily-orders": "unchanged"}


@pytest.mark.parametrize(
    ("given", "place", "code"),
    [
        ({"kind": "Schedule", "apiVersion": "mailroom/v1", "name": "x", "spec": {}}, "kind", "unknown_kind"),
        (documents.schedule(report_id="ordres"), "spec.report_id", "no_report"),
        (documents.schedule(owner="nobody@example.com"), "owner", ""),
        (documents.schedule(formts=["csv"]), "spec.formts", "extra_forbidden"),
    ],
)
async def test_a_fault_names_its_place(offline: Api, given: dict[str, Any], place: str, code: str) -> None:
    answer = await apply(offline, given, dry_run=True)
    assert (place, code) in codes(answer)


async def test_prune_deletes_what_the_bundle_had_and_nothing_else(offline: Api) -> None:
    names = [f"orders-{number}" for number in range(4)]
    given = [documents.schedule(name, name=name) for name in names]
    await apply(offline, *given, documents.calendar(), bundle="one")
    await apply(offline, documents.schedule("orders-0", name="Of another bundle"), bundle="two")
    answer = await apply(offline, *given[:2], documents.calendar(), bundle="one", prune=True)
    assert outcomes(answer)["schedule/orders-3"] == "deleted"
    assert {one["name"] for one in (await offline.json("GET", "/schedules/", 200))["items"]} == {
        "orders-0",
        "orders-1",
        "Of another bundle",
    }


async def test_an_emptied_folder_takes_nothing_with_it(offline: Api) -> None:
    given = [documents.schedule(f"orders-{number}", name=f"{number}") for number in range(4)]
    await apply(offline, *given)
    refused = await apply(offline, status=409, prune=True)
    assert "--prune-limit 4" in refused["remedy"]
    refused = await apply(offline, given[0], status=409, prune=True, prune_limit=2)
    assert "--prune-limit 3" in refused["remedy"]
    assert len((await offline.json("GET", "/schedules/", 200))["items"]) == 4
    kept = {"schedule": [f"orders-{number}" for number in range(3)]}
    assert (await apply(offline, prune=True, keep=kept))["deleted"] == 1
    assert (await apply(offline, prune=True, prune_limit=3))["deleted"] == 3


async def test_what_was_deleted_by_hand_is_made_again(offline: Api) -> None:
    await apply(offline, documents.schedule())
    (row,) = (await offline.json("GET", "/schedules/", 200))["items"]
    await offline.json("DELETE", f"/schedules/{row['id']}", 204)
    assert (await apply(offline, documents.schedule()))["created"] == 1
    assert (await apply(offline, documents.schedule()))["unchanged"] == 1


async def _key(api: Api, name: str, scope: str) -> dict[str, str]:
    person = {"email": f"{name}@example.com", "name": name, "role": "creator"}
    user = await api.json("POST", "/users", 201, json=person)
    made = await api.json("POST", "/keys", 201, json={"name": "ci", "scope": scope, "user": user["id"]})
    await api.json("PUT", "/connections/shared/grants", 200, json={"roles": ["creator"]})
    return {"Authorization": f"Bearer {made['key']}"}


async def test_security_whoever_applies_has_no_more_rights_than_by_rest(offline: Api) -> None:
    given = [
        documents.schedule("own", name="Own"),
        documents.schedule("of-another", name="Of another", owner=offline.settings.owner_email),
        documents.calendar(),
        documents.report(title="Other"),
    ]
    key = await _key(offline, "eve", "write")
    answer = await apply(offline, *given, adopt=True, headers=key)
    told = outcomes(answer)
    assert told.pop("schedule/own") == "created"
    assert set(told.values()) == {"failed"}
    assert (await offline.json("GET", "/calendars", 200))["items"] == []
    assert (await offline.json("GET", "/reports/orders", 200))["title"] == "Orders"
    of_eve = await offline.json("GET", "/export", 200, headers=key)
    assert [one["name"] for one in of_eve["items"]] == ["own"]
    assert (await offline.json("GET", "/export?kind=connection", 200, headers=key))["items"] == []


async def test_an_admin_applies_for_others_with_the_rights_of_the_owner(offline: Api) -> None:
    await _key(offline, "bob", "write")
    (item,) = (await apply(offline, documents.schedule(owner="bob@example.com")))["items"]
    assert item["outcome"] == "created"
    row = await offline.json("GET", f"/schedules/{item['id']}", 200)
    bob = await offline.json("GET", f"/users/{row['owner']}", 200)
    assert bob["email"] == "bob@example.com"
    mine = documents.schedule(owner=offline.settings.owner_email)
    (item,) = (await apply(offline, mine))["items"]
    assert [one["field"] for one in item["differences"]] == ["owner"]
    assert (await offline.json("GET", f"/schedules/{item['id']}", 200))["owner"] != bob["id"]


async def test_a_key_that_only_looks_gets_a_preview_and_changes_nothing(offline: Api) -> None:
    key = await _key(offline, "ada", "read")
    body = {"documents": [documents.schedule()]}
    await offline.json("POST", "/apply", 403, json=body, headers=key)
    told = await offline.json("POST", "/apply/preview", 200, json=body, headers=key)
    assert told["dry_run"]
    assert (await offline.json("GET", "/schedules/", 200))["items"] == []


async def test_nothing_is_deleted_while_a_document_fails(offline: Api) -> None:
    """A schedule that was renamed in the code is not gone before there is the new one."""
    kept = documents.schedule("kept", name="Kept")
    await apply(offline, documents.schedule("old", name="Old"), kept)
    renamed = documents.schedule("new", name="New", parameters={"region": "Mars"})
    answer = await apply(offline, renamed, kept, prune=True)
    assert outcomes(answer) == {"schedule/new": "failed", "schedule/kept": "unchanged", "schedule/old": "failed"}
    assert ("", "not_pruned") in codes(answer)
    renamed = documents.schedule("new", name="New")
    answer = await apply(offline, renamed, kept, prune=True)
    assert outcomes(answer) == {"schedule/new": "created", "schedule/kept": "unchanged", "schedule/old": "deleted"}


async def test_a_name_that_the_bundle_has_for_somebody_else_is_refused_also_in_a_dry_run(offline: Api) -> None:
    await apply(offline, documents.schedule())
    key = await _key(offline, "eve", "write")
    for dry_run in (True, False):
        answer = await apply(offline, documents.schedule(), headers=key, dry_run=dry_run, adopt=True)
        assert codes(answer) == [("name", "of_somebody_else")]
        assert offline.settings.owner_email not in str(answer)
    assert outcomes(await apply(offline, documents.schedule(), headers=key, bundle="eve")) == {
        "schedule/daily-orders": "created"
    }
    assert (await apply(offline, documents.schedule()))["unchanged"] == 1


async def test_who_may_not_change_an_object_does_not_mark_it_either(offline: Api) -> None:
    await apply(offline, documents.calendar(), source="reports@1")
    changed = documents.calendar(title="By hand")
    await offline.json("PUT", "/calendars/office", 200, json=changed["spec"])
    answer = await apply(offline, changed, headers=await _key(offline, "eve", "write"), source="eve")
    assert (outcomes(answer), answer["items"][0]["by_hand"]) == ({"calendar/office": "unchanged"}, True)
    assert "reports@1" in (await offline.http.get("/calendars/office/edit")).text
    assert (await apply(offline, changed, source="reports@2"))["unchanged"] == 1
    assert "reports@2" in (await offline.http.get("/calendars/office/edit")).text


async def test_of_two_who_apply_at_once_each_document_is_applied_once_and_neither_fails(either: Api) -> None:
    given = [documents.schedule(f"orders-{number}", name=f"{number}") for number in range(8)]
    both = await asyncio.gather(apply(either, *given), apply(either, *given))
    rows = (await either.json("GET", "/schedules/", 200))["items"]
    assert sorted(one["name"] for one in rows) == [f"{number}" for number in range(8)]
    assert (sum(one["created"] for one in both), sum(one["unchanged"] for one in both)) == (8, 8), both
    changed = [documents.schedule(f"orders-{number}", name=f"{number}", formats=["html"]) for number in range(8)]
    both = await asyncio.gather(apply(either, *changed), apply(either, *changed))
    assert (sum(one["changed"] for one in both), sum(one["unchanged"] for one in both)) == (8, 8), both


async def test_a_document_that_another_has_just_applied_does_not_become_a_second_schedule(on_postgres: Api) -> None:
    """On Postgres the other's mark may come between any two statements; on SQLite, one writes at a time."""
    with held_before(on_postgres.database, "DELETE FROM code_marks") as gate:
        late = asyncio.ensure_future(apply(on_postgres, documents.schedule()))
        await gate.until_reached()
        assert (await apply(on_postgres, documents.schedule()))["created"] == 1
        gate.open()
        assert (await late)["unchanged"] == 1
    assert len((await on_postgres.json("GET", "/schedules/", 200))["items"]) == 1


async def test_what_somebody_changes_while_it_is_applied_is_not_overwritten(
    offline: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await apply(offline, documents.schedule())
    (row,) = (await offline.json("GET", "/schedules/", 200))["items"]
    patch = {"content": b'{"name": "By hand"}', "headers": {"Content-Type": "application/merge-patch+json"}}
    look = observing.look

    async def look_and_be_late(*arguments: Any) -> Any:
        seen = await look(*arguments)
        await offline.json("PATCH", f"/schedules/{row['id']}", 200, **patch)
        return seen

    monkeypatch.setattr("api.actions.apply.actions.look", look_and_be_late)
    assert codes(await apply(offline, documents.schedule(formats=["html"]))) == [("", "stale")]
    now = await offline.json("GET", f"/schedules/{row['id']}", 200)
    assert (now["name"], now["formats"]) == ("By hand", ["csv"])


async def test_who_prunes_hears_nothing_of_what_others_applied(offline: Api) -> None:
    await apply(offline, documents.schedule(), documents.calendar())
    key = await _key(offline, "eve", "write")
    assert (await apply(offline, headers=key, prune=True, prune_limit=10))["items"] == []
