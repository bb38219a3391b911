"""The settings of a command on a schedule: the connection says everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from prefect_mailroom.channels.base import Destination, Place


class CommandDestination(Destination):
    """The program of the connection gets the files; what it does with them, it alone knows."""

    channel: Literal["command"] = "command"

    def templates(self) -> Mapping[str, str]:
        """Return nothing: the arguments belong to the connection."""
        return {}

    def places(self) -> list[Place]:
        """Return nothing: nobody but the program knows where it writes."""
        return []

    def for_test(self, caller: str) -> None:
        """Return None: nobody can tell whom the program reaches."""
        return
