"""The settings on a schedule of every channel that writes files to a server."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from prefect_mailroom.channels.files.destination import RootedFileDestination


class RemoteFileDestination(RootedFileDestination):
    """The path of the files on a server. A slash at its beginning stands for the connection's folder."""

    make_folders: bool = Field(default=True, description="Make the folders of the path where they are missing.")

    def for_test(self, caller: str) -> Self:
        """Return the same path below `test/`, whose folders are made."""
        return super().for_test(caller).model_copy(update={"make_folders": True})
