"""Open the client of a container: no retries that could hide a lost answer, no redirects, no proxies, no logs."""

from __future__ import annotations

from typing import Any

from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.storage.blob import BlobServiceClient, ContainerClient

from prefect_mailroom.channels.azure import container as settings
from prefect_mailroom.channels.azure.container import Container
from prefect_mailroom.channels.azure.wire.login import Login
from prefect_mailroom.channels.azure.wire.transport import transport
from prefect_mailroom.channels.objects import guarded
from prefect_mailroom.errors import ConfigurationError

CONNECTIONS = 5
"""Keep so many: one for each block that is on its way, and one for questions."""
_PIECE = 1_048_576
_LONGEST_SILENCE = 60
"""Give up a connection on which nothing comes for so many seconds."""


def open_container(container: Container, links: guarded.Links) -> ContainerClient:
    """Return the client of a container; nothing is connected yet.

    Args:
        links: told each connection, so that they can be cut.

    Raises:
        ConfigurationError: this identity may not be used, or not there; or the key cannot be read.
    """
    found: ContainerClient = open_account(container, links).get_container_client(container.name)
    return found


def open_account(container: Container, links: guarded.Links) -> BlobServiceClient:
    """Return the client of the account; see `open_container`."""
    settings.permit(container)
    return BlobServiceClient(
        container.url,
        credential=_credential(container),
        transport=transport(
            links,
            ca_certificates=container.ca_certificates,
            connections=CONNECTIONS,
            seconds=min(_LONGEST_SILENCE, container.seconds),
        ),
        retry_total=0,
        # Where a request asks to be tried again all the same, as blocks do.
        initial_backoff=1,
        increment_base=2,
        random_jitter_range=1,
        permit_redirects=False,
        max_single_get_size=_PIECE,
        max_chunk_get_size=_PIECE,
    )


def _credential(container: Container) -> Any:
    if container.uses_token:
        return Login(container)
    if container.identity == "sas":
        return AzureSasCredential(container.sas_token.get_secret_value().strip().removeprefix("?"))
    key = container.account_key.get_secret_value().strip()
    if not key:
        raise ConfigurationError("There is no account key.", remedy="Enter it.", field="account_key")
    return AzureNamedKeyCredential(container.account, key)
