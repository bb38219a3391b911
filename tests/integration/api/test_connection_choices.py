"""What can be chosen in a connection is listed by its own far side, under the conditions of a check.

The channel of this module exists only while a test lasts: a store with shelves, which lists them for the right key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import pytest
from pydantic import Field, SecretStr

from mailroom.connections import choosing
from mailroom.errors import CheckFailed
from prefect_mailroom.channels.base import Destination
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.testing import RecordingChannel, RecordingDestination, registered
from tests.integration.api.conftest import Api
from tests.support.pages import HTML, read

KEY = "the-right-key"
KEPT = {"secret": True}
PART = {**HTML, "HX-Request": "true", "HX-Request-Type": "partial"}


class ShelfDestination(RecordingDestination):
    """A shelf has no settings of its own on a schedule."""

    channel: Literal["shelf"] = "shelf"  # type: ignore[assignment]  # A recording channel under another name.


class ShelfChannel(RecordingChannel):
    """Records, and lists its shelves for the right key."""

    _block_type_name = "Mailroom Shelf"
    _block_type_slug = "mailroom-shelf"

    kind: ClassVar[str] = "shelf"
    destination_type: ClassVar[type[Destination]] = ShelfDestination
    choosable: ClassVar[frozenset[str]] = frozenset({"shelf"})
    harmless_fields: ClassVar[frozenset[str]] = frozenset({"shelf"})

    shelf: str = Field(default="", description="The shelf.")
    place: str = "here"
    key: SecretStr

    async def choices(self) -> Mapping[str, Sequence[str]]:
        given = self.key.get_secret_value()
        if given == "slow":
            await asyncio.sleep(60)
        if given != KEY:
            raise ConfigurationError(f"The key {given} may not list shelves.", remedy="Use another.", field="key")
        return {"shelf": ["left", "right"]}


@pytest.fixture
def shelves() -> Iterator[None]:
    """The channel exists from before the application starts until after it has ended."""
    with registered(ShelfChannel):
        yield


@pytest.fixture
async def served(shelves: None, online: Api) -> Api:
    """The API of a Mailroom with shelves, and a connection to the right one."""
    settings = {"shelf": "right", "key": KEY}
    await online.json("POST", "/connections", 201, json={"name": "stored", "kind": "shelf", "settings": settings})
    return online


async def trail(api: Api, name: str) -> dict[str, dict[str, Any]]:
    """Return what the audit trail has about a connection, by what was done."""
    found = await api.json("GET", f"/audit?entity_type=connection&entity_id={name}", 200)
    return {one["action"]: one["detail"] for one in found["items"]}


async def test_what_can_be_chosen_is_listed_without_a_choice(served: Api) -> None:
    listed = await served.json(
        "POST", "/connections/choices", 200, json={"kind": "shelf", "settings": {"key": KEY, "place": "there"}}
    )
    assert listed == {"choices": {"shelf": ["left", "right"]}, "left_out": {}}
    kinds = {one["kind"]: one for one in (await served.json("GET", "/connections/kinds", 200))["items"]}
    assert (kinds["shelf"]["choices"], kinds["folder"]["choices"]) == (["shelf"], [])
    told = await trail(served, "(unsaved)")
    assert told["used"]["purpose"] == "choices"
    assert (told["checked"]["kind"], told["checked"]["outcome"]) == ("shelf", "ok")


async def test_a_stored_secret_is_used_as_a_check_would(served: Api) -> None:
    body = {"kind": "shelf", "connection": "stored", "settings": {"key": KEPT}}
    listed = await served.json("POST", "/connections/choices", 200, json=body)
    assert listed["choices"] == {"shelf": ["left", "right"]}
    assert (await trail(served, "stored"))["used"]["purpose"] == "choices"
    moved = {**body, "settings": {"key": KEPT, "place": "elsewhere"}}
    refused = await served.json("POST", "/connections/choices", 422, json=moved)
    assert [fault["field"] for fault in refused["errors"]] == ["settings.key"]


async def test_a_list_that_is_not_permitted_is_refused_without_the_secret(served: Api) -> None:
    body = {"kind": "shelf", "settings": {"key": "wrong-key"}}
    refused = await served.http.post("/api/v1/connections/choices", json=body)
    assert refused.status_code == 422
    assert "may not list" in refused.json()["detail"]
    assert "wrong-key" not in refused.text
    assert (await trail(served, "(unsaved)"))["checked"]["outcome"] == "ConfigurationError"


async def test_nobody_is_asked_for_a_kind_without_a_list(served: Api) -> None:
    body = {"kind": "folder", "settings": {"root": "/srv"}}
    assert (await served.json("POST", "/connections/choices", 200, json=body))["choices"] == {}
    assert await trail(served, "(unsaved)") == {}


async def test_nobody_waits_for_a_far_side_that_is_silent() -> None:
    with pytest.raises(CheckFailed) as failed:
        await choosing.of_block(ShelfChannel(shelf="any", key=SecretStr("slow")), seconds=0.05)
    assert type(failed.value.cause).__name__ == "Unavailable"


async def test_the_form_lists_without_scripts_and_gives_the_text_back(served: Api) -> None:
    address = "/connections/new?kind=shelf"
    form = read(await served.http.get(address, headers=HTML)).all("form")[-1]
    buttons = [one for one in form.all("button") if "choices" in one.attributes.get("formaction", "")]
    (button,) = buttons
    at = button.attributes["formaction"].partition("#")[0]
    entered = {**form.fields(), "name": "new", "settings-key": KEY, "settings-place": "there"}
    answer = await served.http.post(at, data=entered, headers=HTML)
    page = read(answer)
    assert answer.status_code == 200
    assert KEY not in answer.text
    options = page.one("select", id="settings-shelf").all("option")
    assert [one.attributes["value"] for one in options] == ["", "left", "right"]
    assert page.all("form")[-1].fields()["settings-place"] == "there"
    back = await served.http.post(f"{at}&typed=true", data=entered, headers=HTML)
    assert read(back).one("input", id="settings-shelf").attributes["type"] == "text"


async def test_with_scripts_the_field_alone_comes_back(served: Api) -> None:
    at = "/connections/stored/edit/choices?field=shelf"
    listed = await served.http.post(at, data={"settings-shelf": "right"}, headers=PART)
    page = read(listed)
    assert not page.all("h1")
    assert page.one("option", selected="").attributes["value"] == "right"
    moved = await served.http.post(at, data={"settings-shelf": "right", "settings-place": "elsewhere"}, headers=PART)
    assert moved.status_code == 422
    assert read(moved).one("input", id="settings-shelf").attributes["value"] == "right"
