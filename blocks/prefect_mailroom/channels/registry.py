"""The registry of channels: only a channel that is listed here exists.

Destination models load with this module. A block class loads when its connection is first used, and the client of a
vendor at the first transfer: that keeps the API and the processes that run flows small, however many channels exist.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from prefect.exceptions import PrefectException
from pydantic import ValidationError

from prefect_mailroom.channels.azure.destination import AzureDestination
from prefect_mailroom.channels.base import Channel, Destination
from prefect_mailroom.channels.command.destination import CommandDestination
from prefect_mailroom.channels.email.destination import EmailDestination
from prefect_mailroom.channels.folder import FolderDestination
from prefect_mailroom.channels.ftp.destination import FtpDestination
from prefect_mailroom.channels.gcs.destination import GcsDestination
from prefect_mailroom.channels.s3.destination import S3Destination
from prefect_mailroom.channels.sftp.destination import SftpDestination
from prefect_mailroom.channels.webhook.destination import WebhookDestination
from prefect_mailroom.errors import ConfigurationError, RetryLater


@dataclass(frozen=True, slots=True)
class Registration:
    """One channel.

    Attributes:
        destination_type: the model of its settings on a schedule.
        block: its block class as `module:Class`, or the class itself.
        extra: the extra of this package that installs the vendor's client; empty where none is needed.
        needs: the top-level modules that the extra brings.
    """

    destination_type: type[Destination]
    block: str | type[Channel]
    extra: str = ""
    needs: tuple[str, ...] = ()

    def is_installed(self) -> bool:
        """Tell whether the vendor's client can be imported here."""
        return all(find_spec(module) for module in self.needs)

    def load(self) -> type[Channel]:
        """Return the block class.

        Raises:
            ConfigurationError: the extra is not installed.
        """
        if not isinstance(self.block, str):
            return self.block
        if not self.is_installed():
            raise ConfigurationError(
                f"The client of the channel '{self.extra}' is not installed here.",
                remedy=f"Install it where Mailroom runs: pip install 'prefect-mailroom[{self.extra}]'.",
                field="channel",
            )
        found: type[Channel] = pkgutil.resolve_name(self.block)
        return found


CHANNELS: dict[str, Registration] = {
    "azure": Registration(
        AzureDestination,
        "prefect_mailroom.channels.azure.channel:AzureChannel",
        extra="azure",
        needs=("prefect_azure",),
    ),
    "command": Registration(
        CommandDestination,
        "prefect_mailroom.channels.command.channel:CommandChannel",
        extra="shell",
        needs=("prefect_shell",),
    ),
    "email": Registration(
        EmailDestination,
        "prefect_mailroom.channels.email.channel:EmailChannel",
        extra="email",
        needs=("aiosmtplib", "httpx_secure", "prefect_email"),
    ),
    "folder": Registration(FolderDestination, "prefect_mailroom.channels.folder:FolderChannel"),
    "ftp": Registration(FtpDestination, "prefect_mailroom.channels.ftp.channel:FtpChannel"),
    "gcs": Registration(
        GcsDestination, "prefect_mailroom.channels.gcs.channel:GcsChannel", extra="gcs", needs=("google_crc32c",)
    ),
    "s3": Registration(
        S3Destination, "prefect_mailroom.channels.s3.channel:S3Channel", extra="s3", needs=("prefect_aws",)
    ),
    "sftp": Registration(
        SftpDestination, "prefect_mailroom.channels.sftp.channel:SftpChannel", extra="sftp", needs=("paramiko",)
    ),
    "webhook": Registration(
        WebhookDestination,
        "prefect_mailroom.channels.webhook.channel:WebhookChannel",
        extra="webhook",
        needs=("httpx_secure", "jsonschema_rs"),
    ),
}


def _registration(kind: object, field: str) -> Registration:
    if not isinstance(kind, str) or kind not in CHANNELS:
        known = ", ".join(sorted(CHANNELS))
        raise ConfigurationError(
            f"There is no channel '{str(kind)[:60]}'.", remedy=f"Known channels are: {known}.", field=field
        )
    return CHANNELS[kind]


def destination_type(kind: object, *, field: str = "channel") -> type[Destination]:
    """Return the destination model of a kind.

    Raises:
        ConfigurationError: there is no such channel; the known ones are listed.
    """
    return _registration(kind, field).destination_type


def channel_type(kind: object, *, field: str = "channel") -> type[Channel]:
    """Return the block class of a kind.

    Raises:
        ConfigurationError: there is no such channel, or its client is not installed.
    """
    return _registration(kind, field).load()


def destination(data: Mapping[str, Any], *, at: str = "") -> Destination:
    """Return the validated destination of a schedule, its type chosen by `channel`.

    Args:
        at: where it stands, e.g. `destinations.0`; the error's `field` begins with it.

    Raises:
        ConfigurationError: names the first setting at fault by its dotted name, and says what is wrong with all.
    """
    prefix = f"{at}." if at else ""
    model = destination_type(data.get("channel"), field=f"{prefix}channel")
    try:
        return model.model_validate(dict(data))
    except ConfigurationError as error:
        raise ConfigurationError(error.message, remedy=error.remedy, field=prefix + error.field) from error
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        names = [(prefix + ".".join(str(part) for part in fault["loc"])).rstrip(".") for fault in faults]
        told = "; ".join(f"{name}: {fault['msg']}" for name, fault in zip(names, faults, strict=True))
        raise ConfigurationError(f"{told}.", remedy="Correct the setting and save again.", field=names[0]) from error


async def load_channel(kind: str, connection: str) -> Channel:
    """Load the connection's block document `<block type slug>/<connection>`, with its secrets.

    Raises:
        ConfigurationError: no such kind or document, or a document that is no longer valid.
        RetryLater: Prefect's API does not answer.
    """
    import httpx

    channel = channel_type(kind)
    try:
        return await channel.aload(connection, validate=False)
    except ValueError as error:
        # Prefect raises ValueError for a missing document; pydantic's ValidationError is one too.
        what = "has invalid settings" if isinstance(error, ValidationError) else "does not exist"
        raise ConfigurationError(
            f"The {kind} connection '{connection}' {what}.",
            remedy="Create or correct the connection, or choose another one.",
            field="connection",
        ) from None
    except (httpx.HTTPError, PrefectException) as error:
        raise RetryLater(f"Prefect's API did not give the connection '{connection}'.") from error


@contextmanager
def registered(channel: type[Channel]) -> Iterator[None]:
    """Add a channel to this process while the context lasts, such as the fake of a test.

    Raises:
        ValueError: its kind is taken.
    """
    if channel.kind in CHANNELS:
        raise ValueError(f"The kind '{channel.kind}' is already used by {CHANNELS[channel.kind].block}.")
    CHANNELS[channel.kind] = Registration(channel.destination_type, channel)
    try:
        yield
    finally:
        del CHANNELS[channel.kind]
