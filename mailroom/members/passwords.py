"""Passwords of local accounts: what is accepted as one, how it is kept, and how it is compared.

A password is kept as argon2id, which takes 64 MiB and a twentieth of a second, so at most two are computed at once.
Comparing takes as long where there is no password, or no user, to compare with.
"""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.sessions import repository as stored
from mailroom.errors import Invalid
from mailroom.storage.model.login import LocalPassword
from mailroom.storage.tables import User

SHORTEST, LONGEST = 12, 256
_AT_ONCE = 2
_HASHER = PasswordHasher()


def check(password: str, user: User, field: str = "new") -> None:
    """Refuse what is no good password. Pure.

    Raises:
        Invalid: it is too short or too long, has too few different characters, or is the user's name or address.
    """
    text = _plain(password)
    if not SHORTEST <= len(text) <= LONGEST:
        remedy = "A sentence of several words is easy to remember."
        raise Invalid.at(field, f"The password needs {SHORTEST} to {LONGEST} characters.", remedy)
    known = {user.email.casefold(), user.email.partition("@")[0].casefold(), user.name.casefold()}
    if len(set(text)) < 5 or text.casefold() in known:
        raise Invalid.at(field, "This password is easy to guess.", "Choose one with more different characters.")


class Passwords:
    """Computes hashes of passwords, a few at once, beside the event loop. One for each process."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def hashed(self, password: str) -> str:
        """Return what is kept of a password."""
        async with self._slots:
            return await asyncio.to_thread(_HASHER.hash, _plain(password))

    async def is_right(self, given: str, kept: str | None) -> bool:
        """Tell whether this is the password that was kept. Without one it is not, after the same time."""
        async with self._slots:
            return await asyncio.to_thread(_is_right, given, kept)


def _is_right(given: str, kept: str | None) -> bool:
    decoy = _decoy()
    try:
        right = _HASHER.verify(kept or decoy, _plain(given)[: LONGEST + 1])
    except (VerifyMismatchError, InvalidHashError):
        return False
    return right and kept is not None


def is_outdated(kept: str) -> bool:
    """Tell whether a hash was made with other settings than argon2 recommends today. Pure."""
    return _HASHER.check_needs_rehash(kept)


@cache
def _decoy() -> str:
    """Return the hash of a password that nobody has."""
    return _HASHER.hash(secrets.token_hex(32))


def _plain(password: str) -> str:
    """Return the password as it is compared: keyboards write the same letters in different ways."""
    return unicodedata.normalize("NFKC", password)


async def of_account(session: AsyncSession, email: str) -> tuple[User | None, str | None]:
    """Return the user with this address and the hash of the password, each None where there is none."""
    user, kept = await stored.user_and_password(session, email) or (None, None)
    return user, kept.hash if kept else None


async def of_user(session: AsyncSession, user_id: str) -> str | None:
    """Return the hash of a user's password, or None where there is none."""
    kept = await stored.password_of(session, user_id)
    return kept.hash if kept else None


async def store(session: AsyncSession, user_id: str, hashed: str, now: datetime) -> None:
    """Keep a hash as the password of a user, instead of the one before."""
    row = await stored.password_of(session, user_id, lock=True)
    if row is None:
        session.add(LocalPassword(user_id=user_id, hash=hashed, changed_at=now))
    else:
        row.hash, row.changed_at = hashed, now
    await session.flush()


async def renew(session: AsyncSession, user_id: str, hashed: str, *, instead_of: str | None) -> None:
    """Keep another hash of the same password, unless the password was changed meanwhile."""
    row = await stored.password_of(session, user_id, lock=True)
    if row is not None and row.hash == instead_of:
        row.hash = hashed
