"""Do what a link in a mail is for. Nobody has logged in, so there is no caller: the link itself is the right to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from api.services import Services
from mailroom.links import downloads, unsubscribe
from mailroom.links.downloads import Offer
from mailroom.links.unsubscribe import Choice, Standing
from mailroom.links.visitor import Visitor
from mailroom.storage.tables import Artifact


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """A file of a link on this machine."""

    path: Path
    filename: str
    media_type: str


async def offer_of(services: Services, token: str, *, now: datetime) -> Offer:
    """Return what a link to files offers; nothing is recorded.

    Raises:
        Gone: the link does not work.
    """
    async with services.database.session() as session:
        return await downloads.look_at(session, services.settings, token, now=now)


async def fetch(services: Services, token: str, number: int, visitor: Visitor) -> LinkedFile:
    """Return one file of a link, once it is recorded that it is fetched.

    Raises:
        Gone: the link does not work.
    """

    async def take(session: AsyncSession) -> Artifact:
        return await downloads.take(session, services.settings, services.store, token, number, visitor)

    return _file(services, await services.database.transact(take))


async def look_at_file(services: Services, token: str, number: int, *, now: datetime) -> LinkedFile:
    """Return one file of a link for a request that fetches nothing of it; nothing is recorded.

    Raises:
        Gone: the link does not work.
    """
    async with services.database.session() as session:
        found = await downloads.look_at_file(session, services.settings, services.store, token, number, now=now)
    return _file(services, found)


def _file(services: Services, artifact: Artifact) -> LinkedFile:
    return LinkedFile(services.store.path(artifact.sha256), artifact.filename, artifact.media_type)


async def standing_of(services: Services, token: str) -> Standing:
    """Return what the person of a link to unsubscribe gets; nothing is changed.

    Raises:
        Gone: the link does not work.
    """
    async with services.database.session() as session:
        return await unsubscribe.look_at(session, services.settings, token)


async def stop(services: Services, token: str, choice: Choice, visitor: Visitor) -> Standing:
    """Stop mails to the person of a link.

    Raises:
        Gone: the link does not work.
    """
    return await services.database.transact(
        lambda session: unsubscribe.stop(session, services.settings, token, choice, visitor)
    )


async def start_again(services: Services, token: str, visitor: Visitor) -> Standing:
    """Take back what the person of a link has stopped.

    Raises:
        Gone: the link does not work.
    """
    return await services.database.transact(
        lambda session: unsubscribe.start_again(session, services.settings, token, visitor)
    )
