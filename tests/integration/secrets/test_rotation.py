"""SECURITY-TESTS 41: blocks get another key, the old one opens none, and nothing that is due is lost.

It runs the commands as an operator does, against Prefect's own server on SQLite.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from embedded import data_dir
from mailroom.access.viewer import SYSTEM
from mailroom.connections import remembered
from mailroom.connections import repository as connection_repository
from mailroom.connections import service as connections
from mailroom.errors import Unavailable
from mailroom.executions.reasons import ReasonCode
from mailroom.passes.outcome import Outcome
from mailroom.secrets import rotation
from mailroom.settings import CHECKOUT
from mailroom.states import ExecutionState
from mailroom.stops import repository as stops
from mailroom.storage.database import Database, new_id
from mailroom.storage.tables import AuditEvent
from prefect_mailroom.errors import ConfigurationError

if TYPE_CHECKING:
    from tests.integration.secrets.conftest import KeyedServer
    from tests.support.environment import Environment

ADA, BOB = "ada@example.com", "bob@example.com"


def _command(environment: Environment, server: KeyedServer, *arguments: str, **variables: str) -> tuple[int, str]:
    """Run `mailroom keys rotate`; return its exit status and all that it says."""
    given = {k: v for k, v in os.environ.items() if not k.startswith(("MAILROOM_", "PREFECT_"))}
    given |= {
        "MAILROOM_DATA_DIR": str(environment.settings.data_dir),
        "MAILROOM_DATABASE_URL": str(environment.database.engine.url),
        **variables,
    }
    command = [sys.executable, "-m", "cli.main", "keys", "rotate", *arguments]
    done = subprocess.run(command, env=given, cwd=CHECKOUT, capture_output=True, text=True, timeout=240, check=False)
    return done.returncode, done.stdout + done.stderr


def _production(server: KeyedServer, **variables: str) -> dict[str, str]:
    return {
        "MAILROOM_MODE": "production",
        "MAILROOM_PREFECT_API_URL": server.url,
        "MAILROOM_PREFECT_DATABASE_URL": f"sqlite:///{server.database}",
        **variables,
    }


async def _load(environment: Environment) -> None:
    async with environment.database.session() as session:
        row = (await connection_repository.named(session, ["smtp"], viewer=SYSTEM))["smtp"]
    await connections.load(row, environment.settings)


async def _causes(environment: Environment) -> list[str]:
    async with environment.database.session() as session:
        return [stop.cause for stop in await stops.list_standing(session, viewer=SYSTEM)]


async def test_security_41_deliveries_wait_for_a_new_key_and_the_old_one_opens_nothing(
    environment: Environment, server: KeyedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = await environment.create(destinations=[environment.body["destinations"][0]])
    execution, run_id = await environment.request(schedule), new_id()
    old, new = server.key, Fernet.generate_key().decode()
    prefect = Database(f"sqlite+aiosqlite:///{server.database}")

    # Broken off in the middle: each block is opened by exactly one of the two keys.
    monkeypatch.setattr(rotation, "BATCH", 1)
    begun = await prefect.transact(lambda session: rotation._reencrypt_batch(session, after=None, old=old, new=new))
    assert [became for _, became in begun.became] == ["changed"]
    half = await rotation.prove(prefect, old, new)
    assert (half.blocks, len(half.not_with_new), len(half.with_old)) == (3, 2, 2)
    assert half.not_with_new == half.with_old

    names = {"PREFECT_SERVER_ENCRYPTION_KEY": old, "PREFECT_SERVER_ENCRYPTION_KEY_NEW": new}
    status, said = _command(environment, server, **_production(server, **names))
    assert status == 0, said
    assert old not in said
    assert new not in said
    assert "2 blocks have the new key now, 1 had it already" in said
    assert (await rotation.prove(prefect, old, new)).holds
    assert await _causes(environment) == ["keys"]

    # Prefect still has the old key: it can open nothing, so nothing leaves, and what is due waits.
    with pytest.raises(Unavailable):
        await _load(environment)
    held = await environment.run_pass(schedule, execution, run_id=run_id)
    assert isinstance(held, Outcome)
    assert (held.state, held.reason.code) == (ExecutionState.PENDING, ReasonCode.STOPPED)
    finish = _production(server, PREFECT_SERVER_ENCRYPTION_KEY=new, PREFECT_SERVER_ENCRYPTION_KEY_OLD=old)
    status, said = _command(environment, server, "--finish", **finish)
    assert status == 1, said
    assert await _causes(environment) == ["keys"], "not before Prefect has the new key"

    server.stop()
    server.key = new
    server.start()
    status, said = _command(environment, server, "--finish", **finish)
    assert status == 0, said
    assert await _causes(environment) == []
    with remembered.remembering(remembered.RememberedDocuments()):
        await environment.run_pass(schedule, await environment.execution(), run_id=run_id)
    assert environment.mail.taken() == [ADA, BOB]
    assert (await environment.execution()).status is ExecutionState.SUCCESS
    async with environment.database.session() as session:
        found = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "rotated"))).all()
    assert {row.detail["blocks"] for row in found} == {2, 0}
    assert not any(key in str(row.detail) for row in found for key in (old, new))

    await _an_embedded_system_changes_its_key_alone(environment, server, prefect)
    await prefect.close()


async def _an_embedded_system_changes_its_key_alone(
    environment: Environment, server: KeyedServer, prefect: Database
) -> None:
    server.stop()
    files = data_dir.BlockKeyFiles.of(environment.settings)
    files.current.write_text(server.key)
    with data_dir.locked(environment.settings.data_dir):
        status, said = _command(environment, server)
    assert status == 2, "not while `mailroom up` runs"
    _, new = files.begin()
    with pytest.raises(ConfigurationError):
        data_dir.encryption_key(environment.settings)  # Nor does `mailroom up` start in between.
    status, said = _command(environment, server)
    assert status == 0, said
    assert (files.current.read_text().strip(), files.former.read_text().strip()) == (new, server.key)
    assert not files.following.exists()
    assert data_dir.encryption_key(environment.settings) == new
    assert (await rotation.prove(prefect, server.key, new)).holds
    assert await _causes(environment) == []


async def test_a_block_that_no_key_opens_is_named_and_left_alone(environment: Environment, server: KeyedServer) -> None:
    prefect = Database(f"sqlite+aiosqlite:///{server.database}")
    wrong, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    progress = await rotation.reencrypt(prefect, wrong, new)
    assert (progress.changed, sorted(progress.unreadable)) == (0, ["shared", "smtp", "warehouse"])
    await _load(environment)
    proof = await rotation.prove(prefect, wrong, new)
    assert not proof.holds
    assert await rotation.stored_key(prefect) is None
    await prefect.close()
