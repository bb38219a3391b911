"""The settings of S3 on a schedule."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from prefect_mailroom.channels.objects.destination import ObjectDestination

StorageClass = Literal[
    "",
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
]


class S3Destination(ObjectDestination):
    """The name of the objects in the bucket, below the connection's prefix."""

    channel: Literal["s3"] = "s3"
    storage_class: StorageClass = Field(
        default="",
        description="The storage class of each object, as S3 calls it; empty for the bucket's own. What is archived "
        "cannot be read back at once.",
    )
