"""`mailroom backup check` finds whatever happened to a backup since it was written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mailroom.backups import check, manifest, restore
from mailroom.errors import Invalid
from tests.integration.backups.conftest import KEYS, Installation, quiet

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def _artifact(folder: Path) -> Path:
    return next(path for path in (folder / manifest.ARTIFACTS).rglob("*") if path.is_file())


DAMAGE: dict[str, Callable[[Path], None]] = {
    "the ledger has another byte": lambda folder: _flip(folder / "ledger.db"),
    "Prefect's database is missing": lambda folder: (folder / "prefect.db").unlink(),
    "a rendered file has another byte": lambda folder: _flip(_artifact(folder)),
    "a rendered file is missing": lambda folder: _artifact(folder).unlink(),
}


async def test_every_damage_is_found(installation: Installation) -> None:
    schedule = await installation.environment.create()
    await installation.environment.run_pass(schedule, await installation.environment.request(schedule))
    await installation.back_up()
    for what, damage in DAMAGE.items():
        kept = {path: path.read_bytes() for path in installation.folder.rglob("*") if path.is_file()}
        damage(installation.folder)
        assert len(check.check(installation.folder, KEYS, tell=quiet).faults) == 1, what
        for path, content in kept.items():
            path.write_bytes(content)
    assert check.check(installation.folder, KEYS, tell=quiet).faults == []


async def test_another_key_is_told_and_no_key_is_in_the_backup(installation: Installation) -> None:
    made = await installation.back_up()
    assert KEYS["PREFECT_SERVER_ENCRYPTION_KEY"] not in (installation.folder / manifest.NAME).read_text()
    (needed,) = [key for key in made.keys if key.fingerprint]
    assert needed.name == "PREFECT_SERVER_ENCRYPTION_KEY"
    same, other = ({"PREFECT_SERVER_ENCRYPTION_KEY": key} for key in ("a key", "another key"))
    told = [check.check(installation.folder, keys, tell=quiet).warnings for keys in (same, other)]
    assert [sum(needed.name in one for one in warnings) for warnings in told] == [0, 1]


async def test_a_backup_that_was_broken_off_or_is_of_a_later_version_is_refused(installation: Installation) -> None:
    made = await installation.back_up()
    ledger = made.part(manifest.LEDGER)
    assert ledger is not None
    later = made.model_copy(update={"parts": [one.model_copy(update={"schema_version": "9999"}) for one in made.parts]})
    with pytest.raises(Invalid):
        restore.refuse_where_it_cannot_be(later, installation.places, later.parts, replace=True)
    (installation.folder / manifest.NAME).unlink()
    with pytest.raises(Invalid):
        check.check(installation.folder, KEYS, tell=quiet)
    with pytest.raises(Invalid):
        await installation.back_up()
