"""Keep the files of a parcel in an object store, for links that the store signs, in place of sending them.

The name of the objects follows from what they belong to and from their content, and they are written once: so every
attempt, and every recipient of one run, finds the same objects, and nobody else's are replaced.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from prefect_mailroom.channels.base import Channel, Parcel, ParcelFile
from prefect_mailroom.channels.files.names import targets
from prefect_mailroom.channels.objects.links import SignsLinks
from prefect_mailroom.errors import ConfigurationError, RetryLater

FOLDER = "mailroom-links"
"""Everything that is kept for links lies below it, so that one rule of the store can remove what is old."""
LEAST = timedelta(hours=1)
"""A link that ends sooner would be dead before many people read their mail."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Files that a store keeps, with their links.

    Attributes:
        links: for each file, by its SHA-256, the address where whoever has it can fetch the file.
        until: when the first of them ends.
        addresses: the objects as people know them, such as `s3://bucket/name`; no secret.
    """

    links: Mapping[str, str]
    until: datetime
    addresses: tuple[str, ...]


def folder_of(about: str, files: Sequence[ParcelFile]) -> str:
    """Return the folder of the files of a run: another one for other content. Pure."""
    content = "\n".join([about, *(f"{file.sha256} {file.filename}" for file in files)])
    return f"{FOLDER}/{hashlib.sha256(content.encode()).hexdigest()[:32]}"


async def keep(
    store: Channel,
    connection: str,
    files: Sequence[ParcelFile],
    *,
    about: str,
    variables: Mapping[str, Any],
    lasting: timedelta,
    last_look: Callable[[], Awaitable[None]],
    clock: Callable[[], datetime],
) -> Kept:
    """Keep files in the store of a connection, unless they are there, and return links to them.

    Args:
        about: what they belong to, such as the id of a run: the same for each attempt.
        variables: the values that a parcel has for paths; the store may note the due time.
        lasting: how long links shall work; the identity that signs them may end them sooner.
        last_look: asks once more whether the files may leave, see `Parcel.last_look`.

    Raises:
        MailroomError: whatever the store's channel raises; nothing has been sent to a recipient.
        ConfigurationError: the store signs no links.
        RetryLater: they would end within the hour, as the identity that signs them does.
    """
    if not isinstance(store, SignsLinks):
        raise ConfigurationError(
            f"The connection '{connection}' cannot sign links to files.",
            remedy="Choose a connection of an object store, or leave it empty for Mailroom's own links.",
            field="links_from",
        )
    folder = folder_of(about, files)
    wanted = {"connection": connection, "path": f"{folder}/{{file_name}}", "if_exists": "fail"}
    target = store.destination_type.model_validate({"channel": store.kind, **wanted})
    parcel = Parcel(
        key=folder,
        attempt=1,
        recipient=folder,
        destination=target,
        files=tuple(files),
        variables=variables,
        last_look=last_look,
    )
    receipt = await store.deliver(parcel)
    links, ends = {}, []
    for file, name in targets(wanted["path"], parcel):
        signed = await store.signed_link(str(name), filename=file.filename, seconds=int(lasting.total_seconds()))
        links[file.sha256] = signed.url
        ends.append(signed.until)
    until = min(ends)
    if until - clock() < LEAST:
        raise _too_short(connection, until - clock())
    return Kept(links, until, tuple(str(one["path"]) for one in receipt.detail.get("files", ())))


def _too_short(connection: str, left: timedelta) -> RetryLater:
    minutes = max(0, int(left.total_seconds() // 60))
    return RetryLater(
        f"Links that the connection '{connection}' signs now would work for {minutes} minutes only, since its identity "
        "ends by then.",
        remedy="They are made once its identity is renewed. If that ends for good, give the connection a new one.",
        not_before=max(0.0, left.total_seconds()),
    )
