"""Decide how the files of a mail travel: attached, shown in it, packed, or as links where they are too large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prefect_mailroom.channels.base import Parcel, ParcelFile
from prefect_mailroom.channels.email.destination import EmailDestination
from prefect_mailroom.channels.email.mime.cache import Part
from prefect_mailroom.channels.email.mime.parts import file_part, zip_part
from prefect_mailroom.channels.email.texts.moments import moment_words, size_words
from prefect_mailroom.errors import ConfigurationError, Refused
from prefect_mailroom.text.filenames import clean_line

# WebP and SVG are pictures too, but Outlook shows neither.
_SHOWN = ("image/png", "image/jpeg", "image/gif")


@dataclass(frozen=True, slots=True)
class Linked:
    """A file that the mail has an address for instead of the content."""

    name: str
    size: int
    url: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture among the files that the HTML body shows as `<img src="cid:{content_id}">`."""

    content_id: str
    name: str
    part: Part


@dataclass(frozen=True, slots=True)
class Enclosed:
    """The files of one mail.

    Attributes:
        links_until: when the links end, in words; empty where nobody said.
        notices: sentences for the reader, where the files do not come as the schedule says.
    """

    attached: tuple[Part, ...] = ()
    shown: tuple[Shown, ...] = ()
    linked: tuple[Linked, ...] = ()
    links_until: str = ""
    notices: tuple[str, ...] = ()


def enclose(parcel: Parcel, destination: EmailDestination, *, max_bytes: int, shows_pictures: bool) -> Enclosed:
    """Return the files of a mail, encoded. What is too large is packed first, and linked if it still is.

    Args:
        max_bytes: for the files together as they are attached, before base64 adds its third.
        shows_pictures: whether the mail has an HTML body that may show pictures.

    Raises:
        Refused: they are too large, and there are no links to send instead.
        ConfigurationError: links are wanted, and nothing makes any.
    """
    if destination.attach == "none" or not parcel.files:
        return Enclosed()
    if destination.attach == "link":
        if not _has_links(parcel):
            raise ConfigurationError(
                "The files are to be sent as links, but there are no links to them.",
                remedy="Choose 'attachment', or have the operator allow download links.",
                field="attach",
            )
        return _linked(parcel)
    size = sum(file.size for file in parcel.files)
    if not destination.compress and size <= max_bytes:
        return _single(parcel.files, destination, shows_pictures=shows_pictures)
    packed = zip_part(parcel.files, _zip_name(parcel), max_bytes=max_bytes)
    if packed.raw_size <= max_bytes:
        notice = f"The files are packed as one zip archive, since they are {size_words(size)} together."
        return Enclosed(attached=(packed,), notices=() if destination.compress else (notice,))
    if _has_links(parcel):
        return _linked(parcel, f"The files are too large for a mail ({size_words(size)}), so here are links to them.")
    raise Refused(
        f"The attachments for {parcel.recipient} are {size:,} bytes, but this connection takes at most "
        f"{max_bytes:,}, and packing them did not help.",
        remedy="Choose fewer formats, send links, or raise the connection's limit if its server accepts more.",
    )


def must_link(parcel: Parcel, destination: EmailDestination, *, max_bytes: int) -> bool:
    """Tell whether the mail can only have links to its files, if it is to have them at all.

    What has to be packed to find out is kept for the mail.
    """
    if destination.attach == "none" or not parcel.files:
        return False
    if destination.attach == "link":
        return True
    if not destination.compress and sum(file.size for file in parcel.files) <= max_bytes:
        return False
    return zip_part(parcel.files, _zip_name(parcel), max_bytes=max_bytes).raw_size > max_bytes


def _single(files: Sequence[ParcelFile], destination: EmailDestination, *, shows_pictures: bool) -> Enclosed:
    attached, shown = [], []
    for number, file in enumerate(files, 1):
        kind = file.media_type.partition(";")[0].strip()
        inline = destination.attach == "inline"
        if inline and shows_pictures and kind in _SHOWN:
            content_id = f"file-{number}"
            part = file_part(file, content_id=content_id, disposition="inline")
            shown.append(Shown(content_id, clean_line(file.filename), part))
        else:
            as_shown = inline and (kind in _SHOWN or kind == "text/html")
            attached.append(file_part(file, disposition="inline" if as_shown else "attachment"))
    return Enclosed(tuple(attached), tuple(shown))


def _has_links(parcel: Parcel) -> bool:
    return all(parcel.links.get(file.sha256) for file in parcel.files)


def _linked(parcel: Parcel, *notices: str) -> Enclosed:
    linked = [Linked(clean_line(file.filename), file.size, parcel.links[file.sha256]) for file in parcel.files]
    until = moment_words(parcel.facts.get("links_expire_at"), parcel.facts.get("timezone"))
    return Enclosed(linked=tuple(linked), links_until=until, notices=notices)


def _zip_name(parcel: Parcel) -> str:
    return f"{clean_line(str(parcel.variables.get('report_slug') or 'report'))}.zip"
