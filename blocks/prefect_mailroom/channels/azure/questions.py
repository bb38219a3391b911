"""Ask an account short questions: which containers there are, and for a link to a blob that it signs."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

from azure.storage.blob import BlobSasPermissions, generate_blob_sas

from prefect_mailroom.channels.azure.container import Container
from prefect_mailroom.channels.azure.wire.client import open_account
from prefect_mailroom.channels.azure.wire.faults import translated
from prefect_mailroom.channels.objects import faults, guarded
from prefect_mailroom.channels.objects.links import SignedLink
from prefect_mailroom.channels.objects.upload import content_disposition

_MOST_NAMES = 500
_LONGEST = timedelta(days=7)
"""Azure lets what a token asked for sign so long."""
_SKEW = timedelta(minutes=5)
"""Begin so much earlier: the clock of this machine may be ahead."""


def names(container: Container) -> list[str]:
    """Return the names of the account's containers.

    Raises:
        ConfigurationError: the identity may not list them.
    """
    account = open_account(container, guarded.Links())
    with translated(container, "list the containers"):
        return [one.name for one in itertools.islice(account.list_containers(), _MOST_NAMES)]


def sign(container: Container, name: str, *, filename: str, seconds: int, now: datetime) -> SignedLink:
    """Return a link to fetch a blob.

    Raises:
        ConfigurationError: this identity cannot sign.
    """
    if container.identity == "sas":
        raise faults.no_identity(
            "A SAS token cannot sign links: they would have to hold the token itself.",
            "Use an application, a managed identity or the account's key for links.",
        )
    account = open_account(container, guarded.Links())
    until = now + timedelta(seconds=seconds)
    key = None
    if container.uses_token:
        until = min(until, now + _LONGEST - _SKEW)
        with translated(container, "sign links, which needs the role Storage Blob Delegator"):
            key = account.get_user_delegation_key(now - _SKEW, until)
    blob = container.key(name)
    token = generate_blob_sas(
        container.account,
        container.name,
        blob,
        account_key=None if key is not None else container.account_key.get_secret_value().strip(),
        user_delegation_key=key,
        permission=BlobSasPermissions(read=True),
        start=now - _SKEW,
        expiry=until,
        protocol="https" if not container.is_plain else "https,http",
        content_disposition=content_disposition("attachment", filename),
    )
    return SignedLink(f"{account.get_blob_client(container.name, blob).url}?{token}", until)
