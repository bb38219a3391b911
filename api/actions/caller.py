"""Define the caller: who acts, and with what. It is the first argument of every action.

An action does one thing that a person or program asked for: it opens the transaction, waits for Prefect where a change
is to show there, and returns a view. It takes typed input and knows nothing of HTTP, so that REST and pages can share
it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from api.services import Services
from mailroom.access.viewer import Viewer
from mailroom.context import Context

Result = TypeVar("Result")
Remember = Callable[[AsyncSession, Result], Awaitable[None]]
"""Called with an action's result inside its transaction, so that an answer is kept exactly if the work is."""


async def forget(_session: AsyncSession, _result: object) -> None:
    """Keep nothing: the `Remember` of an action that nobody repeats."""


class Parts(Protocol):
    """Remembers which parts of a request are done, each in the transaction that does it."""

    async def take(self, session: AsyncSession, part: str) -> Mapping[str, str] | None:
        """Take a part; return what was kept of it where it is done already."""

    async def keep(self, session: AsyncSession, part: str, result: Mapping[str, str]) -> None:
        """Keep the result of a part that was taken."""


class NoParts:
    """The `Parts` of a request that nobody repeats."""

    async def take(self, _session: AsyncSession, _part: str) -> None:
        """Return None: nothing is done already."""

    async def keep(self, _session: AsyncSession, _part: str, _result: Mapping[str, str]) -> None:
        """Keep nothing."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The one who acts: who and when (`context`), and the services of the process to do it with.

    `session_id` is the web session in which the caller acts, if it is one.
    """

    services: Services
    context: Context
    session_id: str | None = None

    @property
    def viewer(self) -> Viewer:
        """Return the viewer that this caller reads for."""
        return self.context.viewer

    async def transact(self, body: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
        """Change something in a transaction, which is run again after a deadlock or a busy database.

        Raises:
            Unavailable: others kept the database from doing it, several times.
        """
        return await self.services.database.transact(body)

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a transaction for reading, or for a write that must not be run twice; it commits at the end."""
        return self.services.database.session()
