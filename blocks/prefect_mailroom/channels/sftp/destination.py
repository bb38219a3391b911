"""The settings of SFTP on a schedule."""

from __future__ import annotations

from typing import Literal

from prefect_mailroom.channels.remote.destination import RemoteFileDestination


class SftpDestination(RemoteFileDestination):
    """The path of the files on the server, below the connection's folder."""

    channel: Literal["sftp"] = "sftp"
