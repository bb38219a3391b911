"""A cursor comes from outside: whatever it holds, it is read or refused."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


def _cursor(value: Any, row_id: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([value, row_id]).encode()).decode().rstrip("=")


def _raw(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode()


BY_NAME = {"sort": "name"}
SURROGATES = {
    "as its value": ("/schedules/", {**BY_NAME, "cursor": _cursor("\ud800", "x")}),
    "as its id": ("/schedules/", {**BY_NAME, "cursor": _cursor("a", "\ud800")}),
    "beside a time": ("/schedules/executions", {"cursor": _cursor("2026-01-01T00:00:00+00:00", "\udfff")}),
}
NULS = {
    "as its value": ("/schedules/", {**BY_NAME, "cursor": _cursor("a\0", "x")}),
    "as its id": ("/schedules/", {**BY_NAME, "cursor": _cursor("a", "x\0")}),
}
OTHERS = {
    "brackets without an end": ("/schedules/", {**BY_NAME, "cursor": _raw(b"[" * 740)}),
    "digits without an end": ("/schedules/", {**BY_NAME, "cursor": _raw(b"1" * 700)}),
    "a time after the last one": ("/schedules/executions", {"cursor": _cursor("9999-12-31T23:59:59-10:00", "x")}),
    "a letter that is not base64": ("/schedules/", {"cursor": "é"}),
}


async def _is_refused(api: Api, path: str, query: dict[str, str]) -> None:
    answer = await api.http.get(f"/api/v1{path}", params=query)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == ["cursor"]


@pytest.mark.parametrize("where", SURROGATES)
async def test_half_a_character_in_a_cursor_is_refused(either: Api, where: str) -> None:
    await _is_refused(either, *SURROGATES[where])


@pytest.mark.parametrize("where", NULS)
async def test_a_nul_in_a_cursor_is_refused(on_postgres: Api, where: str) -> None:
    await _is_refused(on_postgres, *NULS[where])


@pytest.mark.parametrize("what", OTHERS)
async def test_what_is_no_cursor_is_refused(either: Api, what: str) -> None:
    await _is_refused(either, *OTHERS[what])
