"""A mail as its reader will see it, read from the bytes that would be sent."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

from prefect_mailroom.channels.base import ParcelFile
from prefect_mailroom.channels.email.shown import shown
from prefect_mailroom.channels.shown import ShownFile
from tests.unit.blocks.email.conftest import PNG, a_parcel, raw_mail

FileOf = Callable[..., ParcelFile]
HOSTILE = '"><script>alert(1)</script> {{7*7}} \N{GRINNING FACE}'


def test_it_is_the_mail_with_its_pictures_in_place(file_of: FileOf) -> None:
    pdf, csv = file_of("sales.pdf", b"%PDF" * 9, "application/pdf"), file_of("sälés.csv", b"a;b", "text/csv")
    parcel = a_parcel(
        pdf,
        csv,
        subject="Sales " + HOSTILE.replace("{", "{{").replace("}", "}}"),
        cc=["cy@example.com"],
        bcc=["boss@example.com"],
    )

    found = shown(raw_mail(parcel), ["boss@example.com"])

    assert found.sender == "Reports <reports@example.com>"
    assert (found.to, found.cc, found.hidden) == (("bob@example.com",), ("cy@example.com",), ("boss@example.com",))
    assert found.subject == f"Sales {HOSTILE}"
    assert found.answers_to == "ada@example.com"
    assert found.files == (ShownFile("sales.pdf", 36), ShownFile("sälés.csv", 3))
    assert f"data:image/png;base64,{b64encode(PNG).decode()}" in found.html
    assert "cid:" not in found.html
    assert found.text.strip()
    assert "\r" not in found.text


def test_a_plain_mail_has_no_html(file_of: FileOf) -> None:
    found = shown(raw_mail(a_parcel(file_of("a.txt", b"a", "text/plain"), body="text")))

    assert found.html == ""
    assert found.files == (ShownFile("a.txt", 1),)
