"""`mailroom audit` says what is wrong by its exit status and in words, and never steers the terminal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.operator import audit as command
from mailroom.audit import repository as audit
from mailroom.audit.events import ScheduleFinished
from mailroom.audit.sealing import checkpoints
from prefect_mailroom.errors import MailroomError
from tests.integration.audit.conftest import Trail

pytestmark = pytest.mark.parametrize("trail", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _of_this_trail(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILROOM_DATABASE_URL", str(trail.database.engine.url))
    monkeypatch.setenv("MAILROOM_DATA_DIR", str(trail.settings.data_dir))
    monkeypatch.delenv("MAILROOM_AUDIT_KEY", raising=False)


async def _run(function: Callable[..., None], **options: Any) -> int:
    """Run a command as a process would; return its exit status."""
    try:
        await asyncio.to_thread(function, **options)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


async def test_verify_tells_by_its_exit_status(trail: Trail, capsys: pytest.CaptureFixture[str]) -> None:
    await trail.add(3)
    assert await _run(command.verify) == 0
    assert "Proved up to entry 3" in capsys.readouterr().out
    assert await _run(command.verify, as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["fine"], found["entries"], found["proven_until"], found["wrong"]) == (True, 3, 3, [])
    await trail.force("UPDATE audit_events SET actor = '\x1b[2Jnobody\r\nNothing was changed'")
    assert await _run(command.verify) == 1
    said = capsys.readouterr().out
    assert "WRONG (changed): Entry 2" in said
    assert "\x1b" not in said
    assert "\r" not in said


async def test_verify_takes_checkpoints_from_elsewhere(trail: Trail, tmp_path: Path) -> None:
    await trail.add(3)
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(trail.settings.checkpoints_path.read_bytes())
    await trail.cut_after(2)
    trail.settings.checkpoints_path.unlink()
    assert await _run(command.verify) == 0, "without checkpoints nobody can know"
    assert await _run(command.verify, checkpoint=copy) == 1
    with pytest.raises(MailroomError):
        await _run(command.verify, checkpoint=tmp_path / "nowhere")


async def test_export_writes_lines(trail: Trail, capsys: pytest.CaptureFixture[str]) -> None:
    await trail.add(2)
    async with trail.database.session() as session:
        audit.record(session, ScheduleFinished("other"), at=trail.now, actor="Ada\r\n\x1b[2J")
    assert await _run(command.export) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(line["entity_id"], line["position"]) for line in lines} == {("s-0", 1), ("s-1", 2), ("other", None)}
    assert await _run(command.export, actor="Ada\r\n\x1b[2J") == 0
    written = capsys.readouterr().out
    assert written.count("\n") == 1
    assert "\x1b" not in written
    with pytest.raises(MailroomError):
        await _run(command.export, since="yesterday")


async def test_checkpoints_are_set_aside_by_a_person_and_that_is_audited(trail: Trail) -> None:
    await trail.add(3)
    await trail.cut_after(2)
    assert await _run(command.set_aside, reason="A backup was restored.") == 0
    assert await trail.seal() == 1
    assert await _run(command.verify) == 0
    (aside,) = trail.settings.data_dir.glob("audit-checkpoints-until-*.jsonl")
    (last,) = checkpoints.read(aside)
    assert last.checkpoint is not None
    assert last.checkpoint.position == 3
    assert await _run(command.verify, checkpoint=aside) == 1, "it still proves what the trail was"
    trail.settings.checkpoints_path.unlink()
    with pytest.raises(MailroomError):
        await _run(command.set_aside, reason="Again.")
