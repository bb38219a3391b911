"""The settings on a schedule of every channel that writes files to a server."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, field_validator

from prefect_mailroom.channels.files.destination import FileDestination


class RemoteFileDestination(FileDestination):
    """The path of the files on a server. A slash at its beginning stands for the connection's folder."""

    make_folders: bool = Field(default=True, description="Make the folders of the path where they are missing.")

    @field_validator("path", mode="before")
    @classmethod
    def _path_is_below_the_folder(cls, path: Any) -> Any:
        return path.removeprefix("/") if isinstance(path, str) else path

    def for_test(self, caller: str) -> Self:
        """Return the same path below `test/`, whose folders are made."""
        return super().for_test(caller).model_copy(update={"make_folders": True})
