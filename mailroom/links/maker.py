"""Make the links of a delivery. Pure: nothing is read or stored for it, so that a peak does not become slower."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from mailroom.links.tokens import Claim, Purpose, sign
from mailroom.settings import Settings
from mailroom.storage.tables import Artifact, Delivery
from prefect_mailroom.channels.base import Destination, LinksTo, ParcelFile


@dataclass(frozen=True, slots=True)
class LinkMaker:
    """Make the links of an execution's deliveries.

    Attributes:
        base: our address without a slash at its end; empty where no links can be made.
        days: how long links to files work; None where none are made.
        files_until: when the first of the files is no longer kept.
        unsubscribes: whether mails get a link to stop them.
    """

    base: str = ""
    key: str = ""
    days: int | None = None
    files_until: datetime | None = None
    unsubscribes: bool = False

    def downloads(self, delivery: Delivery, target: Destination, files: Sequence[ParcelFile]) -> dict[str, str]:
        """Return for each file, by its SHA-256, the address where the recipient can fetch it; see `Parcel.links`."""
        ends_at = self.ends_at(delivery, target)
        if ends_at is None or not files:
            return {}
        token = sign(Purpose.DOWNLOAD, Claim(delivery.id, ends_at), self.key)
        page = f"{self.base}/{Purpose.DOWNLOAD}/{token}"
        if target.links_to is LinksTo.PAGE:
            return {file.sha256: page for file in files}
        return {file.sha256: f"{page}/{number}" for number, file in enumerate(files, start=1)}

    def ends_at(self, delivery: Delivery, target: Destination) -> datetime | None:
        """Return when the links of a delivery end, None where it has none: the same for each of its attempts."""
        if not self.base or self.days is None or self.files_until is None or target.links_to is None:
            return None
        return min(delivery.created_at + timedelta(days=self.days), self.files_until)

    def unsubscribe(self, delivery: Delivery, target: Destination) -> str:
        """Return the address at which the recipient stops such mails; empty where there is none.

        A recipient that is not one mail address, such as a folder or a group that gets one mail, has none.
        """
        if not (self.base and self.unsubscribes) or delivery.recipient not in target.addresses():
            return ""
        return f"{self.base}/{Purpose.UNSUBSCRIBE}/{sign(Purpose.UNSUBSCRIBE, Claim(delivery.id), self.key)}"


NO_LINKS = LinkMaker()


def link_maker(settings: Settings, artifacts: Sequence[Artifact]) -> LinkMaker:
    """Return what makes the links to these files and to unsubscribe, as the settings allow.

    In production there are none without MAILROOM_PUBLIC_ADDRESS: the host that a process listens on leads nowhere.
    """
    key = settings.link_key.get_secret_value()
    if not key or (settings.mode == "production" and not settings.public_address):
        return NO_LINKS
    return LinkMaker(
        base=settings.public_url,
        key=key,
        days=settings.download_link_days if settings.download_links else None,
        files_until=min((artifact.expires_at for artifact in artifacts), default=None),
        unsubscribes=settings.unsubscribe_links and is_private(settings.public_url),
    )


def is_private(url: str) -> bool:
    """Tell whether nobody on the way can read a request to this address: https, or this machine alone."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return True
    host = parts.hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def keys_of(settings: Settings) -> tuple[str, ...]:
    """Return the keys that a token may be signed with, the present one first."""
    both = (settings.link_key.get_secret_value(), settings.link_key_former.get_secret_value())
    return tuple(key for key in both if key)
