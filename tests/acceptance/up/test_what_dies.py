"""A system that has delivered keeps its secrets, mends a child that dies, and leaves nothing when it is killed."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from embedded import data_dir, ports
from embedded.processes.guard import lives
from mailroom.rendering import client
from prefect_mailroom.errors import ConfigurationError
from tests.acceptance.up.running import Up, answers
from tests.support.processes import below, command_lines
from tests.support.waiting import eventually_sync

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("embedded"), pytest.mark.timeout(600)]


def test_secrets_are_not_beside_what_they_guard_nor_in_logs(up: Up) -> None:
    folder = up.folder
    with closing(sqlite3.connect(folder / "prefect" / "prefect.db")) as database:
        [(stored,)] = database.execute("select count(*) from configuration where key = 'ENCRYPTION_KEY'")
    assert stored == 0
    secrets = [(folder / name).read_text().strip() for name in ("api-key", "prefect-encryption-key")]
    logs = up.output.read_text(errors="replace") + "".join(
        log.read_text(errors="replace") for log in (folder / "logs").iterdir()
    )
    arguments = " ".join(line for _, line in command_lines(up.processes()))
    assert not [secret for secret in secrets if secret in logs or secret in arguments]


def test_a_child_that_dies_comes_back(up: Up) -> None:
    up.process_with("embedded.mailcatcher").kill()

    eventually_sync(lambda: "It will be started again in 1 s" in up.said(), 60)
    eventually_sync(lambda: answers(up.configuration.mail_web_port, "/api/messages"), 60)


def test_renderers_that_are_killed_come_back_and_leave_no_orphan(up: Up, tmp_path: Path) -> None:
    service = up.process_with("mailroom.rendering.renderers.service")
    eventually_sync(lambda: len(service.children()) == up.configuration.renderers, 60)
    theirs = service.children()
    service.kill()

    eventually_sync(lambda: not any(lives(process) for process in theirs), 60)
    eventually_sync(lambda: asyncio.run(client.is_serving(up.configuration)), 60)
    done = up.command(
        "reports", "render", "carrier-punctuality", "--formats", "csv", "--to", str(tmp_path),
        MAILROOM_RENDERERS_SOCKET=str(up.configuration.renderers_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_killed_it_leaves_no_orphan_and_can_start_again(up: Up) -> None:
    process = up.process
    assert process is not None
    assert len(up.processes()) >= 7
    everything = below(process.pid)
    assert [line for _, line in command_lines(everything) if "mailroom.rendering.renderers.child" in line]
    process.kill()
    process.wait(60)

    eventually_sync(lambda: not up.processes() and not any(lives(child) for child in everything), 60)
    # A child that was being forked when it happened may be the last one to leave.
    eventually_sync(lambda: _is_free(up.folder), 60)
    assert ports.faults(up.configuration) == []


def _is_free(folder: Path) -> bool:
    try:
        with data_dir.locked(folder):
            return True
    except ConfigurationError:
        return False
