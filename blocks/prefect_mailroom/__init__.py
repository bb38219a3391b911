"""Delivery channels, report sources and a warm worker for Prefect.

Everything public is reached from here, and loads when it is first asked for: `import prefect_mailroom.errors` loads
no Prefect, which keeps renderer processes small.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Public name -> the module that holds it. A channel need not stand here to be used: see channels/registry.py.
_HOMES = {
    "Channel": "channels.base",
    "Destination": "channels.base",
    "InlineImage": "channels.base",
    "Parcel": "channels.base",
    "ParcelFile": "channels.base",
    "Receipt": "channels.base",
    "deliver": "channels.delivering",
    "destination": "channels.registry",
    "load_channel": "channels.registry",
    "AzureChannel": "channels.azure.channel",
    "AzureDestination": "channels.azure.destination",
    "CommandChannel": "channels.command.channel",
    "CommandDestination": "channels.command.destination",
    "EmailChannel": "channels.email.channel",
    "EmailDestination": "channels.email.destination",
    "ConfigurationError": "errors",
    "DeliveryError": "errors",
    "MailroomError": "errors",
    "OutcomeUnknown": "errors",
    "Refused": "errors",
    "RetryLater": "errors",
    "SourceError": "errors",
    "SourceRefused": "errors",
    "SourceUnavailable": "errors",
    "Withdrawn": "errors",
    "FolderChannel": "channels.folder",
    "FolderDestination": "channels.folder",
    "FtpChannel": "channels.ftp.channel",
    "FtpDestination": "channels.ftp.destination",
    "GcsChannel": "channels.gcs.channel",
    "GcsDestination": "channels.gcs.destination",
    "HttpSource": "sources.http",
    "S3Channel": "channels.s3.channel",
    "S3Destination": "channels.s3.destination",
    "SftpChannel": "channels.sftp.channel",
    "SftpDestination": "channels.sftp.destination",
    "ShellSource": "sources.shell",
    "SqlSource": "sources.sql",
    "WebhookChannel": "channels.webhook.channel",
    "WebhookDestination": "channels.webhook.destination",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605  # One table says both what is public and where it lives.


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Return what can be had here: `prefect block register -m prefect_mailroom` takes each block type that it finds.

    So a channel whose extra is not installed is left out, as in the collection, and so is the abstract `Channel`, which
    is no block type to choose.
    """
    from prefect_mailroom.channels.registry import CHANNELS

    missing = {str(entry.block).rpartition(":")[2] for entry in CHANNELS.values() if not entry.is_installed()}
    return [*(name for name in __all__ if name not in {"Channel", *missing}), *globals()]
