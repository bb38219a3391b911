"""Encrypt Prefect's blocks anew with another key, in Prefect's database itself, by Prefect's own functions.

Prefect knows one key at a time and cannot change it. So each block is decrypted with the old key and encrypted with the
new one here, some in a transaction. Each block can be read with exactly one of the two keys at any moment: whoever
breaks this off, or cuts the power, repeats it, and what is left is done.

The one place that touches these parts of Prefect; a test runs it against Prefect's own server.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

from cryptography.fernet import InvalidToken
from prefect.server.database.orm_models import BlockDocument, Configuration
from prefect.server.utilities.encryption import decrypt_fernet, encrypt_fernet
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.storage.database import Database

VARIABLE = "PREFECT_SERVER_ENCRYPTION_KEY"
_FORMER_VARIABLE = "ORION_ENCRYPTION_KEY"
BATCH = 50


@dataclass
class Progress:
    """The result for all blocks: `unreadable` names those that neither key opens, which were left alone."""

    changed: int = 0
    already: int = 0
    unreadable: list[str] = field(default_factory=list)


@dataclass
class Proof:
    """The proof of what the keys open now: all `blocks` are opened by the new key alone, but for the named ones."""

    blocks: int = 0
    not_with_new: list[str] = field(default_factory=list)
    with_old: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Return whether the new key opens every block, and the old one none."""
        return not self.not_with_new and not self.with_old


def fingerprint(key: str) -> str:
    """Return the short name of a key, which tells nothing of it. Pure."""
    return sha256(f"mailroom block key\n{key}".encode()).hexdigest()[:12]


async def stored_key(prefect: Database) -> str | None:
    """Return the key that Prefect has made and keeps in its own database, where it was given none."""
    async with prefect.session() as session:
        value = (
            await session.scalars(select(Configuration.value).where(Configuration.key == "ENCRYPTION_KEY"))
        ).first()
    return None if value is None else str(value["fernet_key"])


async def reencrypt(prefect: Database, old: str, new: str) -> Progress:
    """Encrypt every block with the new key that the old one opens. Can be repeated, and goes on where it broke off."""
    progress, after = Progress(), None
    while True:
        batch = await prefect.transact(partial(_reencrypt_batch, after=after, old=old, new=new))
        for name, became in batch.became:
            match became:
                case "changed":
                    progress.changed += 1
                case "already":
                    progress.already += 1
                case _:
                    progress.unreadable.append(name)
        if batch.last is None:
            return progress
        after = batch.last


@dataclass
class _Batch:
    became: list[tuple[str, str]] = field(default_factory=list)
    last: UUID | None = None


async def _reencrypt_batch(session: AsyncSession, *, after: UUID | None, old: str, new: str) -> _Batch:
    batch = _Batch()
    for row_id, name, data in await _blocks(session, after, lock=True):
        batch.last = row_id
        if await _opened(session, data, new) is not None:
            batch.became.append((name, "already"))
        elif (content := await _opened(session, data, old)) is None:
            batch.became.append((name, "unreadable"))
        else:
            with _keyed(new):
                token = await encrypt_fernet(session, content)
            # The content is the same, so the block counts as unchanged.
            await session.execute(
                update(BlockDocument)
                .where(BlockDocument.id == row_id)
                .values(data=token, updated=BlockDocument.updated)
                .execution_options(synchronize_session=False)
            )
            batch.became.append((name, "changed"))
    return batch


async def prove(prefect: Database, old: str | None, new: str) -> Proof:
    """Try both keys on every block. None as the old key leaves it out."""
    proof, after = Proof(), None
    while True:
        async with prefect.session() as session:
            rows = await _blocks(session, after)
            for _, name, data in rows:
                proof.blocks += 1
                if await _opened(session, data, new) is None:
                    proof.not_with_new.append(name)
                if old is not None and await _opened(session, data, old) is not None:
                    proof.with_old.append(name)
        if not rows:
            return proof
        after = rows[-1][0]


async def _blocks(session: AsyncSession, after: UUID | None, *, lock: bool = False) -> Sequence[tuple[UUID, str, str]]:
    query = select(BlockDocument.id, BlockDocument.name, BlockDocument.data).order_by(BlockDocument.id).limit(BATCH)
    if after is not None:
        query = query.where(BlockDocument.id > after)
    if lock:
        query = query.with_for_update()
    return [(row[0], row[1], row[2]) for row in (await session.execute(query)).all()]


async def _opened(session: AsyncSession, data: str, key: str) -> dict[str, Any] | None:
    """Return the content of a block, or None where the key does not open it."""
    with _keyed(key):
        try:
            return await decrypt_fernet(session, data)
        except InvalidToken:
            return None


@contextmanager
def _keyed(key: str) -> Iterator[None]:
    """Let Prefect's functions use this key: they read it from the environment at each call."""
    before = {name: os.environ.pop(name, None) for name in (VARIABLE, _FORMER_VARIABLE)}
    os.environ[VARIABLE] = key
    try:
        yield
    finally:
        del os.environ[VARIABLE]
        os.environ.update({name: value for name, value in before.items() if value is not None})
