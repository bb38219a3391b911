"""Nothing in the code changes an entry of the audit trail, and only retention removes any."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("mailroom", "deployments", "api", "embedded", "cli", "flows")
GUARDED = ("AuditEvent", "AuditSeal")
TABLES = ("audit_events", "audit_seals")
RETENTION = "mailroom/audit/sealing/retention.py"


def changes(code: str) -> Iterator[str]:
    """Yield what in the code changes or removes rows of the trail, by SQLAlchemy or as SQL."""
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Call(func=ast.Name(id="update" | "delete" as verb), args=[ast.Name(id=table), *_]):
                if table in GUARDED:
                    yield f"{verb} {table}"
            case ast.Constant(value=str(text)):
                words = text.upper().split()
                if any(table.upper() in words for table in TABLES) and {"UPDATE", "DELETE", "TRUNCATE"} & set(words):
                    yield text


def test_nothing_changes_an_entry_and_retention_alone_removes_some() -> None:
    files = [file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py")) if "versions" not in file.parts]
    found = {str(file.relative_to(ROOT)): list(changes(file.read_text())) for file in files}
    assert {file: what for file, what in found.items() if what} == {
        RETENTION: ["delete AuditEvent", "delete AuditSeal"]
    }


def test_a_change_is_found() -> None:
    assert list(changes("session.execute(update(AuditEvent).values(actor=''))")) == ["update AuditEvent"]
    assert list(changes("x = text('DELETE FROM audit_seals')")) == ["DELETE FROM audit_seals"]
