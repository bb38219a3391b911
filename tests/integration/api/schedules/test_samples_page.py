"""The page that removes the sample data: offered to admins where samples are shown, and nothing else goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from mailroom.roles import Role
from mailroom.states import ExecutionState
from mailroom.storage.tables import Execution, Schedule
from tests.integration.api.schedules.conftest import make, ran
from tests.support.pages import HTML, read

if TYPE_CHECKING:
    import httpx

    from tests.integration.api.access.people import People
    from tests.integration.api.conftest import Api

REMOVE = "/samples/remove"


async def runs(api: Api) -> int:
    async with api.database.session() as session:
        return (await session.execute(select(func.count()).select_from(Execution))).scalar_one()


async def test_an_admin_removes_the_samples_after_a_page_has_asked(
    offline: Api, browser: httpx.AsyncClient, people: People, schedule_body: dict[str, Any]
) -> None:
    own, sample = [await make(offline, schedule_body, name) for name in ("own", "sample")]
    assert REMOVE not in (await browser.get("/schedules")).text, "there are no samples"
    for one in (own, sample):
        await ran(offline, one, ExecutionState.SUCCESS, ExecutionState.FAILED)
    async with offline.database.session() as session:
        await session.execute(update(Schedule).where(Schedule.id == sample).values(is_sample=True))
    links = {one.attributes["href"] for one in read(await browser.get("/schedules")).one(id="list").all("a")}
    assert REMOVE in links
    asked = read(await browser.get(REMOVE))
    assert "1 sample schedule" in asked.one("main").text
    assert "2 runs" in asked.one("main").text
    assert await runs(offline) == 4, "nothing is removed before the answer"
    confirm = next(one for one in asked.all("form") if one.attributes["action"] == REMOVE)
    assert (await browser.post(REMOVE, data=confirm.fields())).status_code == 303
    assert await runs(offline) == 2
    page = read(await browser.get("/schedules"))
    assert [one.one("a").text for one in page.all("th", class_="name")] == ["own"]
    assert "no sample data" in read(await browser.get(REMOVE)).one("main").text
    creator = await people.person("cleo", Role.CREATOR)
    assert (await creator.http.get(REMOVE, headers=HTML)).status_code == 403
    assert (await creator.http.post(REMOVE, headers=HTML)).status_code == 403
