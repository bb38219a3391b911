"""The settings of Google Cloud Storage on a schedule."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from prefect_mailroom.channels.objects.destination import ObjectDestination

StorageClass = Literal["", "STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE"]


class GcsDestination(ObjectDestination):
    """The name of the objects in the bucket, below the connection's prefix."""

    channel: Literal["gcs"] = "gcs"
    storage_class: StorageClass = Field(
        default="",
        description="The storage class of each object, as Google calls it; empty for the bucket's own.",
    )

    @field_validator("tags")
    @classmethod
    def _objects_have_no_tags(cls, tags: dict[str, str]) -> dict[str, str]:
        if tags:
            raise ValueError(
                "Google Cloud Storage has no tags for objects: use metadata, and lifecycle rules that match prefixes"
            )
        return tags
