"""Admins are reminded of secrets that are old, once a month, and of nothing that was changed since."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from mailroom.roles import Role
from mailroom.secrets import ages
from mailroom.storage.tables import Notification, User
from tests.integration.audit.conftest import Trail

FIRST = {"MAILROOM_API_KEY": "first", "PREFECT_SERVER_ENCRYPTION_KEY": "block key"}


@pytest.mark.parametrize("trail", ["sqlite"], indirect=True)
async def test_old_secrets_are_told_of(trail: Trail) -> None:
    now = trail.now
    people = [("ada", Role.ADMIN, True), ("gone", Role.ADMIN, False), ("eve", Role.CREATOR, True)]
    async with trail.database.session() as session:
        for name, role, active in people:
            session.add(User(email=f"{name}@example.com", role=role, is_active=active, created_at=now, updated_at=now))
    later = now + timedelta(days=365)
    assert await ages.remind(trail.database, trail.settings, FIRST, now=now) == 0
    changed = {**FIRST, "MAILROOM_API_KEY": "second"}
    assert await ages.remind(trail.database, trail.settings, changed, now=now + timedelta(days=100)) == 0
    assert await ages.remind(trail.database, trail.settings, changed, now=later) == 1
    assert await ages.remind(trail.database, trail.settings, changed, now=later + timedelta(days=1)) == 0
    assert await ages.remind(trail.database, trail.settings, changed, now=later + timedelta(days=30)) == 1
    never = trail.settings.model_copy(update={"secret_reminder_days": 0})
    assert await ages.remind(trail.database, never, changed, now=later + timedelta(days=900)) == 0
    async with trail.database.session() as session:
        found = (await session.scalars(select(Notification))).all()
        assert {row.title.split()[0] for row in found} == {"PREFECT_SERVER_ENCRYPTION_KEY"}
        assert len(found) == 2, "for the one active admin"
        rows = await ages.read(session)
    assert not any("first" in row.fingerprint or "block" in row.fingerprint for row in rows)


@pytest.mark.parametrize("trail", ["sqlite"], indirect=True)
async def test_the_secrets_of_an_embedded_system_are_in_its_folder(trail: Trail) -> None:
    trail.settings.data_dir.mkdir()
    (trail.settings.data_dir / "prefect-encryption-key").write_text("of the file\n")
    (trail.settings.data_dir / "api-key").write_text("kept\n")
    assert ages.known(trail.settings) == {
        "PREFECT_SERVER_ENCRYPTION_KEY": "of the file",
        "MAILROOM_API_KEY": "kept",
    }
