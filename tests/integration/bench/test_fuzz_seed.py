"""A short seed of `make fuzz-api`: a real API process, each role, every check; no failure, and nobody left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.fuzz.__main__ import run
from bench.fuzz.fuzz import SHORT
from bench.fuzz.report import result

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("fuzz")]
REQUESTS = 400


def test_no_request_of_any_role_is_answered_as_nobody_said(tmp_path: Path) -> None:
    found, operations = run(tmp_path / "data", requests=REQUESTS, seed=1, examples=1, phases=SHORT)
    figures = result(found, operations=operations, seconds=0, seed=1)
    told = [f"{one['role']}: {one['check']} {one['operation']}: {one['told']}" for one in figures["failures"]]
    assert not told, "\n\n".join(told[:5])
    assert list(figures["roles"]) == ["no key", "viewer", "creator", "admin"]
    for role, one in figures["roles"].items():
        assert one["requests"] >= REQUESTS // 4
        answered = {status for status, count in one["statuses"].items() if count > 5}
        assert answered & {"401"} if role == "no key" else answered & {"200"}, role
    assert {"status_code_conformance", "response_schema_conformance", "ignored_auth"} <= set(figures["checks"])
