"""What varies by user is never shared between users; what does not is still rendered once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from prefect.blocks.core import Block

from mailroom.access.identity import HEADER, Identity
from mailroom.rendering.as_owner import identity_token
from mailroom.rendering.job import Limits
from mailroom.rendering.job_factory import render_job
from mailroom.rendering.renderers.single_flight import identity
from mailroom.rendering.service import RenderRequest, render_request
from mailroom.reports.spec import Format, ReportDefinition
from mailroom.roles import Role
from mailroom.settings import CHECKOUT, Settings
from mailroom.storage.tables import User
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.sources.http import HttpSource
from prefect_mailroom.sources.sql import SqlSource

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
ADA, BOB = (User(id=name, email=f"{name}@example.com", role=Role.CREATOR) for name in ("ada", "bob"))
SETTINGS = Settings(identity_key="ab" * 32)
HTTP = {"kind": "http", "connection": "bi", "path": "/rows", "content": "csv"}
SQL = {"kind": "sql", "connection": "bi", "queries": {"rows": "SELECT 1"}}


def _report(source: dict[str, Any]) -> ReportDefinition:
    sections = [{"kind": "table", "query": "rows"}]
    body = {"id": "rows", "title": "Rows", "source": source, "sections": sections, "formats": ["csv"]}
    return ReportDefinition.model_validate(body)


def _request(source: dict[str, Any], owner: User | None) -> RenderRequest:
    return render_request(_report(source), {}, [Format.CSV], NOW, "UTC", owner)


def test_26_two_owners_share_no_piece_of_what_varies_by_owner() -> None:
    pieces = [_request({**HTTP, "as_owner": True}, owner) for owner in (ADA, BOB, ADA)]
    for piece in pieces[0].pieces:
        ada, bob, again = (request.key(piece) for request in pieces)
        assert ada != bob
        assert ada == again


@pytest.mark.parametrize("source", [HTTP, SQL], ids=["http", "sql"])
def test_what_does_not_vary_is_rendered_once_for_all(source: dict[str, Any]) -> None:
    (key,) = {_request(source, owner).key("message") for owner in (ADA, BOB, None)}
    assert key


def test_a_report_that_says_nothing_keeps_its_version() -> None:
    assert _report(HTTP).version == _report({**HTTP, "as_owner": False}).version
    assert _report(HTTP).version != _report({**HTTP, "as_owner": True}).version
    assert "as_owner" not in _report(HTTP).model_dump(mode="json")["source"]


def test_without_an_owner_it_is_not_made() -> None:
    with pytest.raises(ConfigurationError):
        _request({**HTTP, "as_owner": True}, None)


@pytest.mark.parametrize(
    ("source", "block", "field"),
    [
        (HTTP, HttpSource(base_url="https://bi.example.com", identity=True), "as_owner"),
        ({**HTTP, "as_owner": True}, HttpSource(base_url="https://bi.example.com"), "identity"),
        ({**HTTP, "as_owner": True}, SqlSource(url="sqlite:////tmp/x.db"), "identity"),
    ],
)
def test_26_report_and_connection_have_to_agree(source: dict[str, Any], block: Block, field: str) -> None:
    ada = Identity("ada", None, Role.CREATOR)
    with pytest.raises(ConfigurationError) as refused:
        identity_token(_report(source), block, ada, SETTINGS, now=NOW)
    assert refused.value.field == field


def test_26_a_command_line_is_nobody() -> None:
    block = HttpSource(base_url="https://bi.example.com", identity=True)
    with pytest.raises(ConfigurationError) as refused:
        identity_token(_report({**HTTP, "as_owner": True}), block, None, SETTINGS, now=NOW)
    assert refused.value.field == "as_owner"


def test_26_jobs_of_two_owners_share_no_flight() -> None:
    definition = _report({**HTTP, "as_owner": True})
    block = HttpSource(base_url="https://BI.example.com:8443", identity=True, auth="bearer", auth_secret="s")
    jobs = []
    for name in ("ada", "bob"):
        token = identity_token(definition, block, Identity(name, None, Role.CREATOR), SETTINGS, now=NOW)
        assert token is not None
        told = jwt.decode(token, options={"verify_signature": False})
        assert (told["sub"], told["aud"]) == (name, "bi.example.com")
        jobs.append(
            render_job(
                definition,
                block,
                {},
                [Format.CSV],
                due_at=NOW,
                timezone="UTC",
                folder=CHECKOUT,
                limits=Limits(),
                identity=token,
            )
        )
        assert jobs[-1].access["headers"] == {"Authorization": "Bearer s", HEADER: token}
        assert token not in repr(jobs[-1])
    assert identity(jobs[0]) != identity(jobs[1])
