"""Keep what became of a direct run's deliveries in Prefect, as an artifact of the flow run.

It is written before an attempt begins and after it has ended, as the ledger is. A run that goes on, or is retried in
Prefect's UI, reads it first and leaves alone what was confirmed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort

from mailroom.passes.direct.rows import to_rows, with_rows
from mailroom.passes.mishaps.stubborn import stubbornly
from mailroom.storage.tables import Delivery
from prefect_mailroom.errors import ConfigurationError


@dataclass
class Record:
    """The record of one flow run.

    Attributes:
        deliveries: by their keys, in the order of the recipients.
        renders: how often rendering has failed.
        files: the digest of the files that were delivered first; empty until some were.
        ended: whether a pass has come to an end of the run.
        asked_at: when somebody let the run run again after that; None where nobody has.
    """

    client: PrefectClient
    artifact_id: UUID
    deliveries: dict[str, Delivery]
    renders: int = 0
    files: str = ""
    ended: bool = False
    asked_at: datetime | None = None
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def save(self, *, description: str | None = None) -> None:
        """Write everything; a later call never stores less than an earlier one.

        Raises:
            HTTPError, PrefectHTTPStatusError: Prefect did not take it, also when asked again.
        """
        async with self._one_at_a_time:
            values: dict[str, Any] = {"data": to_rows([*self.deliveries.values()]), "metadata_": self._facts()}
            if description is not None:
                values["description"] = description
            await stubbornly(lambda: self.client.update_artifact(self.artifact_id, ArtifactUpdate(**values)))

    def _facts(self) -> dict[str, str]:
        asked = self.asked_at.isoformat() if self.asked_at else ""
        return {
            "renders": str(self.renders),
            "files": self.files,
            "ended": "yes" if self.ended else "",
            "asked_at": asked,
        }


async def open_record(client: PrefectClient, run_id: str, planned: Sequence[Delivery], *, now: datetime) -> Record:
    """Return the record of a run, made where it has none.

    A run that has ended runs again only because somebody asked for it: then `asked_at` is now.

    Raises:
        ConfigurationError: it cannot be read any more.
        HTTPError, PrefectHTTPStatusError: Prefect does not answer.
    """
    key = f"deliveries-{run_id}"
    found = await stubbornly(
        lambda: client.read_artifacts(
            artifact_filter=ArtifactFilter(
                key=ArtifactFilterKey(any_=[key]), flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(run_id)])
            ),
            sort=ArtifactSort.CREATED_DESC,
            limit=1,
        )
    )
    if not found:
        new = ArtifactCreate(key=key, type="table", data=to_rows(planned), flow_run_id=UUID(run_id))
        made = await stubbornly(lambda: client.create_artifact(new))
        return Record(client, made.id, {one.key: one for one in planned})
    facts = found[0].metadata_ or {}
    try:
        deliveries = with_rows(planned, found[0].data)
        asked_at = datetime.fromisoformat(facts["asked_at"]) if facts.get("asked_at") else None
        record = Record(
            client,
            found[0].id,
            {one.key: one for one in deliveries},
            renders=int(facts.get("renders", 0)),
            files=facts.get("files", ""),
            asked_at=asked_at,
        )
    except (ValueError, KeyError, TypeError) as error:
        message = f"The artifact {key} of this run cannot be read: it does not hold what Mailroom wrote."
        remedy = "Start a new run. Do not run this one again: nobody knows what it has delivered."
        raise ConfigurationError(message, remedy=remedy) from error
    if facts.get("ended"):
        record.asked_at, record.renders = now, 0
    return record
