"""The registry of channels: kind -> class. A channel that is not here does not exist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect.exceptions import PrefectException
from pydantic import ValidationError

from prefect_mailroom.channels.base import Channel, Destination
from prefect_mailroom.channels.email.channel import EmailChannel
from prefect_mailroom.channels.folder import FolderChannel
from prefect_mailroom.channels.webhook.channel import WebhookChannel
from prefect_mailroom.errors import ConfigurationError, RetryLater

CHANNELS: dict[str, type[Channel]] = {
    channel.kind: channel for channel in (EmailChannel, FolderChannel, WebhookChannel)
}


def channel_type(kind: object, *, field: str = "channel") -> type[Channel]:
    """The class of a kind.

    Raises:
        ConfigurationError: there is no such channel; the known ones are listed.
    """
    if not isinstance(kind, str) or kind not in CHANNELS:
        known = ", ".join(sorted(CHANNELS))
        raise ConfigurationError(f"There is no channel '{str(kind)[:60]}'.", remedy=f"Known are: {known}.", field=field)
    return CHANNELS[kind]


def destination(data: Mapping[str, Any], *, at: str = "") -> Destination:
    """The validated destination of a schedule, its type chosen by `channel`.

    Args:
        at: where it stands, e.g. `destinations.0`; the error's `field` begins with it.

    Raises:
        ConfigurationError: names the first setting at fault by its dotted name, and says what is wrong with all.
    """
    prefix = f"{at}." if at else ""
    model = channel_type(data.get("channel"), field=f"{prefix}channel").destination_type
    try:
        return model.model_validate(dict(data))
    except ConfigurationError as error:
        raise ConfigurationError(error.message, remedy=error.remedy, field=prefix + error.field) from error
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        names = [(prefix + ".".join(str(part) for part in fault["loc"])).rstrip(".") for fault in faults]
        told = "; ".join(f"{name}: {fault['msg']}" for name, fault in zip(names, faults, strict=True))
        raise ConfigurationError(f"{told}.", remedy="Correct it and save again.", field=names[0]) from error


async def load_channel(kind: str, connection: str) -> Channel:
    """The connection's block document `<block type slug>/<connection>`, with its secrets.

    Raises:
        ConfigurationError: no such kind or document, or a document that is no longer valid.
        RetryLater: Prefect's API does not answer.
    """
    # Late, since most of Prefect's client is not needed to validate a destination.
    import httpx  # noqa: PLC0415

    channel = channel_type(kind)
    try:
        return await channel.aload(connection, validate=False)
    except ValueError as error:
        # Prefect raises ValueError for a missing document; pydantic's ValidationError is one too.
        what = "does not fit its type" if isinstance(error, ValidationError) else "does not exist"
        raise ConfigurationError(
            f"The {kind} connection '{connection}' {what}.",
            remedy="Create or mend it under Connections, or choose another.",
            field="connection",
        ) from None
    except (httpx.HTTPError, PrefectException) as error:
        raise RetryLater(f"Prefect's API did not give the connection '{connection}'.") from error
