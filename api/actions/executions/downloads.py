"""Show which files were fetched by the links of deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.executions.views import DownloadView
from mailroom.access.viewer import Viewer
from mailroom.links import downloads

MOST_SHOWN = 20


class Fetched(TypedDict):
    """The two fields by which a view of a delivery shows what was fetched."""

    download_count: int
    downloads: list[DownloadView]


async def download_views(session: AsyncSession, delivery_ids: Sequence[str], viewer: Viewer) -> dict[str, Fetched]:
    """Return for each of these deliveries how often files of it were fetched, and the latest times; by one query.

    From where is an address of a person, which admins alone see, as in the audit trail.
    """
    found: dict[str, Fetched] = {one: {"download_count": 0, "downloads": []} for one in delivery_ids}
    for row, count in await downloads.latest(session, delivery_ids, most=MOST_SHOWN):
        shown = found[row.delivery_id]
        shown["download_count"] = count
        view = DownloadView(
            at=row.at,
            filename=row.filename,
            sha256=row.sha256,
            address=row.address if viewer.sees_all else None,
            agent=row.agent,
        )
        shown["downloads"].append(view)
    return found
