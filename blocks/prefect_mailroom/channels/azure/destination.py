"""The settings of Azure Blob Storage on a schedule."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from prefect_mailroom.channels.objects.destination import ObjectDestination

StorageClass = Literal["", "Hot", "Cool", "Cold", "Archive"]


class AzureDestination(ObjectDestination):
    """The name of the blobs in the container, below the connection's prefix."""

    channel: Literal["azure"] = "azure"
    storage_class: StorageClass = Field(
        default="",
        description="The access tier of each blob, as Azure calls it; empty for the account's own. What is archived "
        "cannot be read before it was brought back, which takes hours.",
    )
