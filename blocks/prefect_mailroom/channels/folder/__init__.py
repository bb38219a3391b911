"""Files in a local or mounted folder."""

from prefect_mailroom.channels.folder.channel import FolderChannel, FolderDestination

__all__ = ["FolderChannel", "FolderDestination"]
