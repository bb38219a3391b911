"""Every kind of incident is provoked by `make test-incidents`: a new kind needs a story of a real fault."""

from __future__ import annotations

import ast

from mailroom.incidents.spec import IncidentKind
from mailroom.settings import CHECKOUT

STORIES = CHECKOUT / "tests" / "acceptance" / "incidents"


def provoked(code: str) -> set[str]:
    """Return the kinds of the stories that this code tells."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    firsts = [
        call.args[0]
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in ("Story", "_story") and call.args
    ]
    return {first.value for first in firsts if isinstance(first, ast.Constant) and isinstance(first.value, str)}


def test_every_kind_has_its_story() -> None:
    told = {kind for file in STORIES.glob("*.py") for kind in provoked(file.read_text())}
    assert told == {str(kind) for kind in IncidentKind}
