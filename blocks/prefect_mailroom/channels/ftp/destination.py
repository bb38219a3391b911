"""The settings on a schedule of a delivery by FTP."""

from __future__ import annotations

from typing import Literal

from prefect_mailroom.channels.remote.destination import RemoteFileDestination


class FtpDestination(RemoteFileDestination):
    """The path of the files below the connection's root folder, and what becomes of a file that is there."""

    channel: Literal["ftp"] = "ftp"
