"""The settings on a schedule of every channel that writes objects into a bucket."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from prefect_mailroom.channels.files.destination import RootedFileDestination

Disposition = Literal["attachment", "inline"]
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MOST = 10
_MOST_CHARACTERS = 250


class ObjectDestination(RootedFileDestination):
    """The name of the objects below the connection's prefix, and what is told about them.

    A channel's own class adds `channel`, its kind, and `storage_class`, whose names are each vendor's own.
    """

    keeps_for_links: ClassVar[bool] = True

    disposition: Disposition = Field(
        default="attachment",
        description="What a browser does with a link to the object: it saves the file, or it shows it.",
    )
    metadata: dict[str, str] = Field(
        default_factory=dict,
        max_length=_MOST,
        description="Facts that are kept with each object, as names of small letters and their values. Mailroom adds "
        "its own: the key of the delivery, the checksum and the time that was due.",
    )
    tags: dict[str, str] = Field(
        default_factory=dict,
        max_length=_MOST,
        description="Tags by which the store's own rules choose objects, for example to remove them after a year.",
    )

    @field_validator("metadata", "tags")
    @classmethod
    def _names_and_values_travel_in_headers(cls, told: dict[str, str]) -> dict[str, str]:
        for name, value in told.items():
            if not _NAME.fullmatch(name) or name.startswith("mailroom"):
                raise ValueError(
                    f"'{name[:70]}' is not a name for a fact or tag: use small letters, digits and underscores, begin "
                    "with a letter, and not with mailroom"
                )
            if len(value) > _MOST_CHARACTERS or not value.isascii() or not value.isprintable():
                raise ValueError(
                    f"the value of '{name}' must be printable ASCII of at most {_MOST_CHARACTERS} characters"
                )
        return told
