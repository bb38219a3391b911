"""Slow down whoever guesses passwords: tries are counted in the database, so that all processes count together.

A try is counted before the password is looked at, so that many at once do not get past the limit, and taken back where
it was right. Only a hash of what was typed is kept: people type their password into the wrong field.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import case, delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.storage.inserting import insert_into
from mailroom.storage.model.login import LoginFailures
from prefect_mailroom.errors import MailroomError

WINDOW = timedelta(minutes=10)
MOST_OF_BOTH = 5
"""How many wrong tries of one account come from one address within the window."""
MOST_OF_ONE = 30
"""How many wrong tries come from one address, or are made of one account, within the window."""


class Throttled(MailroomError):
    """There were too many wrong tries; the next one is looked at after `not_before` seconds."""

    def __init__(self, wait: timedelta) -> None:
        self.not_before = max(1.0, wait.total_seconds())
        minutes = round(self.not_before / 60 + 0.5)
        told = f"Try again in {minutes} minute{'s' if minutes > 1 else ''}, or ask an admin for a one-time link."
        super().__init__("There were too many wrong passwords.", remedy=told)


def _subjects(account: str, address: str) -> list[tuple[str, int]]:
    """Return what is counted, with its limit, in the order in which it is locked."""
    names = [
        (f"address:{address}", MOST_OF_ONE),
        (f"account:{account}", MOST_OF_ONE),
        (f"both:{address}:{account}", MOST_OF_BOTH),
    ]
    return [(hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest(), most) for name, most in names]


async def count(session: AsyncSession, account: str, address: str, now: datetime) -> timedelta | None:
    """Count a try. Return None where it may be made, or how long to wait before the next one.

    What is refused for its address is counted for that alone: made-up accounts do not fill the table.
    """
    for subject, most in _subjects(account, address):
        insert = insert_into(session, LoginFailures).values(subject=subject, tries=1, since=now)
        over = LoginFailures.since <= now - WINDOW
        counted = insert.on_conflict_do_update(
            index_elements=["subject"],
            set_={
                "tries": case((over, insert.excluded.tries), else_=LoginFailures.tries + 1),
                "since": case((over, insert.excluded.since), else_=LoginFailures.since),
            },
        )
        tries, since = (await session.execute(counted.returning(LoginFailures.tries, LoginFailures.since))).one()
        if tries > most:
            wait: timedelta = since + WINDOW - now
            return wait
    return None


async def take_back(session: AsyncSession, account: str, address: str) -> None:
    """Forget a try that was right: the account's failures from this address, and one of each alone."""
    for subject, most in _subjects(account, address):
        if most == MOST_OF_BOTH:
            await session.execute(delete(LoginFailures).where(LoginFailures.subject == subject))
        else:
            less = update(LoginFailures).where(LoginFailures.subject == subject, LoginFailures.tries > 0)
            change = less.values(tries=LoginFailures.tries - 1)
            await session.execute(change.execution_options(synchronize_session=False))
