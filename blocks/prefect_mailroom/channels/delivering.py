"""Deliver files from a flow of anybody's own: find the block, make the parcels, and take them to their recipients."""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect.runtime import flow_run

from prefect_mailroom.channels.base import Destination
from prefect_mailroom.channels.parcel import Parcel, ParcelFile, Receipt
from prefect_mailroom.channels.registry import destination, load_channel
from prefect_mailroom.errors import ConfigurationError, MailroomError
from prefect_mailroom.text import variables


async def deliver(
    files: Sequence[str | Path],
    to: Mapping[str, Any],
    *,
    title: str = "",
    text: str = "",
    key: str = "",
) -> list[Receipt]:
    """Deliver files to a destination, and return what each recipient's side confirmed, in their order.

    Each recipient is tried once. To have it tried again, call this in a task with `retries`: within a flow run the
    deliveries keep their keys, by which a mail program or a receiver of webhooks knows a second copy. Nothing remembers
    here who has confirmed, so a retry sends to everybody again.

    Args:
        files: what to deliver; they are read now, and may be gone afterwards.
        to: the channel, its block document's name as `connection`, and the channel's settings; see docs/channels.
        title: `{report_name}` in texts and paths; by default the name of the flow, or of the first file.
        text: the message, for channels that carry one.
        key: names this delivery among all others, if the run and the destination are not enough for that.

    Raises:
        ConfigurationError: the destination, the connection or a file is wrong; nothing was sent.
        RetryLater, Refused, OutcomeUnknown: what became of the only recipient.
        ExceptionGroup: of these, where there are several recipients and not all of them confirmed.
    """
    target = destination(to)
    channel = await load_channel(target.channel, target.connection)
    known = await asyncio.to_thread(lambda: tuple(_described(Path(file)) for file in files))
    given = _variables(title, known)
    parcels = [
        Parcel(
            key=_key(key, target, known, recipient),
            attempt=1,
            recipient=recipient,
            destination=target,
            files=known,
            text=text,
            variables=given,
            facts={"due_at": given["due"].isoformat(), "report": {"title": given["report_name"]}},
        )
        for recipient in target.recipients()
    ]
    sessions = asyncio.Semaphore(channel.max_sessions)

    async def one(parcel: Parcel) -> Receipt | MailroomError:
        async with sessions:
            try:
                return await channel.deliver(parcel)
            except MailroomError as error:
                error.add_note(f"Recipient: {parcel.recipient}")
                return error

    outcomes = await asyncio.gather(*map(one, parcels))
    errors = [outcome for outcome in outcomes if isinstance(outcome, MailroomError)]
    if errors and len(outcomes) == 1:
        raise errors[0]
    if errors:
        raise ExceptionGroup(f"{len(errors)} of {len(outcomes)} recipients did not confirm", errors)
    return [outcome for outcome in outcomes if isinstance(outcome, Receipt)]


def _described(path: Path) -> ParcelFile:
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    except OSError as error:
        message = f"The file {path} cannot be read: {error.strerror}."
        raise ConfigurationError(message, remedy="Give the path of a file that is there.", field="files") from error
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return ParcelFile(path, path.name, kind, size, sha256)


def _variables(title: str, files: Sequence[ParcelFile]) -> dict[str, Any]:
    name = title or flow_run.flow_name or (files[0].filename if files else "Delivery")
    slug = "-".join("".join(c if c.isalnum() else " " for c in name).lower().split()) or "delivery"
    due = flow_run.scheduled_start_time if flow_run.id else datetime.now(UTC)
    return variables.values(
        report_name=name, report_slug=slug, schedule_name=name, due=due, execution_id=flow_run.id or "by-hand"
    )


def _key(given: str, target: Destination, files: Sequence[ParcelFile], recipient: str) -> str:
    """Return the key: the same for every try within a flow run. Outside of one, nothing is the same."""
    what = [flow_run.id or uuid.uuid4().hex, given, target.model_dump_json(), *(file.filename for file in files)]
    return hashlib.sha256(":".join([*what, recipient]).encode()).hexdigest()[:32]
