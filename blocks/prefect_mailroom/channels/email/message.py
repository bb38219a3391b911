"""Write a parcel as a mail, in bytes ready for SMTP. Pure and CPU-bound: call it off the event loop."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime

from prefect_mailroom.channels.base import InlineImage, Parcel, ParcelFile
from prefect_mailroom.channels.email.destination import EmailDestination
from prefect_mailroom.channels.email.words import html_body, plain_body, subject_of, words_of
from prefect_mailroom.errors import Refused
from prefect_mailroom.text.filenames import clean_line, safe_filename

# 7bit: not every server on the way takes 8BITMIME.
_POLICY = SMTP.clone(cte_type="7bit")


def message_id(key: str, domain: str) -> str:
    """Return the Message-ID of a parcel: the same for every attempt, so that mail systems can tell a repeat."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


@dataclass(frozen=True, slots=True)
class Sender:
    """The person or system that a mail comes from; `reply_to` is empty where replies go to the address itself."""

    address: Address
    reply_to: str = ""


def build(
    parcel: Parcel, destination: EmailDestination, sender: Sender, *, max_bytes: int, date: datetime | None = None
) -> bytes:
    """Return the whole mail: mixed(alternative(text, related(html, images)), attachments), with CRLF.

    No line is longer than 998 bytes.

    Args:
        max_bytes: for the attachments together as they are attached, before base64 adds its third.

    Raises:
        Refused: the attachments are larger than that.
        ConfigurationError: subject or text use a variable that has no value here.
    """
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = sender.address
    if destination.to:
        mail["To"] = [_address(address) for address in destination.to]
    if destination.cc:
        mail["Cc"] = [_address(address) for address in destination.cc]
    if sender.reply_to:
        mail["Reply-To"] = _address(sender.reply_to)
    mail["Subject"] = subject_of(parcel, destination)
    mail["Date"] = date or localtime()
    mail["Message-ID"] = message_id(parcel.key, sender.address.domain)
    mail["Auto-Submitted"] = "auto-generated"
    words = words_of(parcel, destination)
    mail.set_content(plain_body(words, parcel.text))
    if parcel.html:
        mail.add_alternative(html_body(words, parcel.html), subtype="html")
        body = mail.get_body(("html",))
        for image in parcel.images:
            assert isinstance(body, EmailMessage)
            _relate(body, image)
    if destination.attach == "attachment" and parcel.files:
        for name, media_type, content in _attachments(parcel, compress=destination.compress, max_bytes=max_bytes):
            kind, _, options = media_type.partition(";")
            maintype, _, subtype = kind.strip().partition("/")
            charset = options.strip().removeprefix("charset=")
            mail.add_attachment(
                content,
                maintype=maintype,
                subtype=subtype or "octet-stream",
                filename=name,
                params={"charset": charset} if charset else None,
            )
    return mail.as_bytes()


def _address(address: str) -> Address:
    return Address(addr_spec=address)


def _relate(body: EmailMessage, image: InlineImage) -> None:
    maintype, _, subtype = image.media_type.partition("/")
    body.add_related(
        image.data,
        maintype=maintype,
        subtype=subtype,
        cid=f"<{image.content_id}>",
        filename=safe_filename(f"{image.content_id}.{subtype}"),
        disposition="inline",
    )


def _attachments(parcel: Parcel, *, compress: bool, max_bytes: int) -> list[tuple[str, str, bytes]]:
    if compress:
        packed = _zip(parcel.files)
        _check_size(len(packed), max_bytes, parcel.recipient)
        name = f"{clean_line(str(parcel.variables.get('report_slug') or 'report'))}.zip"
        return [(safe_filename(name), "application/zip", packed)]
    _check_size(sum(file.size for file in parcel.files), max_bytes, parcel.recipient)
    return [(safe_filename(file.filename), file.media_type, file.path.read_bytes()) for file in parcel.files]


def _zip(files: tuple[ParcelFile, ...]) -> bytes:
    """Pack the files into one archive, the same bytes for every attempt."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            entry = zipfile.ZipInfo(safe_filename(file.filename), date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as target, file.path.open("rb") as source:
                while chunk := source.read(1024 * 1024):
                    target.write(chunk)
    return packed.getvalue()


def _check_size(size: int, max_bytes: int, recipient: str) -> None:
    if size > max_bytes:
        raise Refused(
            f"The attachments for {recipient} are {size:,} bytes, but this connection takes at most {max_bytes:,}.",
            remedy="Compress them, choose fewer formats, or raise the connection's limit if its server accepts more.",
        )
