"""Fetch the files of a delivery by its link, without a log-in.

A link opens for whoever has it, so it answers the same whatever is wrong with it: nobody learns whether it ever worked.
Only one that has ended by itself says so, since its end is part of what was signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.ownership import bar_of
from mailroom.audit import repository as audit
from mailroom.audit.delivery_events import FileFetched
from mailroom.context import Origin
from mailroom.errors import Gone
from mailroom.links import repository as stored
from mailroom.links.maker import keys_of
from mailroom.links.repository import Linked
from mailroom.links.tokens import Purpose, read
from mailroom.links.visitor import Visitor
from mailroom.recipients.spec import is_erased
from mailroom.rendering import repository as renderings
from mailroom.settings import Settings
from mailroom.states import ScheduleState
from mailroom.storage.artifacts import ArtifactStore
from mailroom.storage.model.links import Download
from mailroom.storage.tables import Artifact

MOST = 1000
"""Limit how often files can be fetched by one link: enough for any reader, and an end for a link that went public."""
BY_LINK = "link to files"
_LONGEST_ACTOR = 320


@dataclass(frozen=True, slots=True)
class Offer:
    """A link offers files, in the order of their numbers, which begin at 1, until it ends."""

    report_title: str
    files: Sequence[Artifact]
    ends_at: datetime


async def look_at(session: AsyncSession, settings: Settings, token: str, *, now: datetime) -> Offer:
    """Return what a link offers; nothing is recorded, since programs that look at links do this too.

    Raises:
        Gone: the link is unknown, has ended, or was revoked.
    """
    found, ends_at = await _opened(session, settings, token, now)
    return await _offer(session, found, ends_at, now)


async def take(
    session: AsyncSession, settings: Settings, store: ArtifactStore, token: str, number: int, visitor: Visitor
) -> Artifact:
    """Return one file of a link, and record that it is fetched, in the transaction that says that it may be.

    Raises:
        Gone: the link is unknown, has ended, was revoked or was used too often, or has no file of this number.
    """
    found, ends_at = await _opened(session, settings, token, visitor.now)
    artifact = _chosen(store, await _offer(session, found, ends_at, visitor.now), number)
    delivery = found.delivery
    if await stored.count_downloads(session, delivery.id) >= MOST:
        raise gone()
    session.add(
        Download(
            delivery_id=delivery.id,
            at=visitor.now,
            filename=artifact.filename,
            sha256=artifact.sha256,
            address=visitor.address,
            agent=visitor.kept_agent,
        )
    )
    event = FileFetched(
        found.execution.id,
        found.schedule.id,
        delivery.id,
        delivery.recipient,
        artifact.filename,
        artifact.sha256,
        visitor.kept_agent,
    )
    audit.record(
        session,
        event,
        at=visitor.now,
        actor=delivery.recipient[:_LONGEST_ACTOR],
        origin=Origin(visitor.address, BY_LINK),
    )
    return artifact


async def look_at_file(
    session: AsyncSession, settings: Settings, store: ArtifactStore, token: str, number: int, *, now: datetime
) -> Artifact:
    """Return one file of a link for a request that fetches nothing of it.

    Raises:
        Gone: see `take`.
    """
    return _chosen(store, await look_at(session, settings, token, now=now), number)


async def latest(session: AsyncSession, delivery_ids: Sequence[str], *, most: int) -> list[tuple[Download, int]]:
    """Return the latest downloads of each of these deliveries, latest first, each with the count of its delivery."""
    return await stored.latest_downloads(session, delivery_ids, most=most) if delivery_ids else []


def _chosen(store: ArtifactStore, offer: Offer, number: int) -> Artifact:
    if not 1 <= number <= len(offer.files):
        raise gone()
    artifact = offer.files[number - 1]
    if store.find(artifact.sha256) is None:
        raise gone()
    return artifact


async def _opened(session: AsyncSession, settings: Settings, token: str, now: datetime) -> tuple[Linked, datetime]:
    claim = read(Purpose.DOWNLOAD, token, keys_of(settings))
    if claim is None or claim.ends_at is None or not settings.download_links:
        raise gone()
    if claim.ends_at <= now:
        raise expired(claim.ends_at)
    found = await stored.linked(session, claim.delivery_id)
    if found is None or is_revoked(found) or await stored.is_stopped(session, found):
        raise gone()
    return found, claim.ends_at


def is_revoked(found: Linked) -> bool:
    """Tell whether a link that has not ended is worth nothing any more. Pure."""
    return (
        found.schedule.state is ScheduleState.DELETED
        or bar_of(found.owner) is not None
        or is_erased(found.delivery.recipient)
        or found.corrected_by is not None
    )


async def _offer(session: AsyncSession, found: Linked, ends_at: datetime, now: datetime) -> Offer:
    artifacts = await renderings.artifacts(session, found.execution.artifact_ids)
    if not artifacts or len(artifacts) < len(found.execution.artifact_ids):
        raise gone()
    ends_at = min([ends_at, *(artifact.expires_at for artifact in artifacts)])
    if ends_at <= now:
        raise gone()
    return Offer(str((found.execution.plan or {}).get("report_title", "")), artifacts, ends_at)


def expired(at: datetime) -> Gone:
    """Return the refusal of a link that we signed and whose time is over: the link itself says when, and nobody can
    make one. Whether it was revoked before is not said.
    """
    return Gone(f"This link expired on {at.day} {at:%B %Y}.", remedy="Ask whoever sent you the report for a new one.")


def gone() -> Gone:
    """Return the one refusal of every other link."""
    return Gone(
        "This link does not work, or does not work any more.", remedy="Ask whoever sent you the report for a new one."
    )
