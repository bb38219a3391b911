"""An error that nobody expected: a person gets a page with its number, a program a problem document."""

from __future__ import annotations

import pytest

from api.web.schedules import routes
from tests.integration.api.conftest import Api


async def test_a_person_gets_a_page_and_a_program_a_document(offline: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret-detail")

    monkeypatch.setattr(routes, "listing", broken)
    page = await offline.http.get("/schedules", headers={"Accept": "text/html"})
    assert page.status_code == 500
    assert page.headers["content-type"].startswith("text/html")
    assert "secret-detail" not in page.text
    assert "<h1" in page.text
    program = await offline.http.get("/schedules", headers={"Accept": "application/json"})
    assert program.status_code == 500
    document = program.json()
    assert document["error_id"]
