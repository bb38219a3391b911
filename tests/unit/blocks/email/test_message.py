"""A whole mail, read back by the standard library: its parts, its headers, and what its reader sees."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, default
from typing import Any

import pytest

from prefect_mailroom.channels.base import ParcelFile
from prefect_mailroom.channels.email.message import Sender
from prefect_mailroom.errors import ConfigurationError, Refused
from tests.unit.blocks.email.conftest import DUE, PNG, SENDER, a_parcel, body_of, mail_of, raw_mail, shape_of

FileOf = Callable[..., ParcelFile]
UNTIL = {"links_expire_at": "2026-02-23T08:00:00+00:00"}
UNSUBSCRIBE = "https://reports.example.com/unsubscribe/0123456789abcdef"


def as_the_library_writes_it(*files: ParcelFile) -> bytes:
    """Return a mail of the same content, written by the standard library from beginning to end."""
    mine = mail_of(a_parcel(*files))
    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    for name, value in mine.items():
        if not name.lower().startswith("content-"):
            mail[name] = str(value)
    mail.set_content(body_of(mine, "plain"))
    mail.add_alternative(body_of(mine, "html"), subtype="html")
    html = mail.get_body(("html",))
    assert isinstance(html, EmailMessage)
    html.add_related(PNG, "image", "png", cid="<chart-1>", filename="chart-1.png", disposition="inline")
    for file in files:
        kind, _, subtype = file.media_type.partition(";")[0].partition("/")
        content = file.path.read_bytes()
        mail.add_attachment(
            content,
            maintype=kind,
            subtype=subtype,
            filename=file.filename,
            params={"charset": "utf-8"} if "charset" in file.media_type else None,
        )
    return mail.as_bytes()


def test_it_is_what_the_standard_library_writes(file_of: FileOf) -> None:
    """Every part has the same type, name, disposition, id and bytes, and every header the same value."""
    files = (
        file_of("Übersicht & März 東京.csv", "größe;1\r\n".encode() * 500, "text/csv; charset=utf-8"),
        file_of("leer.json", b"", "application/json"),
        file_of("x" * 180 + ".pdf", bytes(range(256)) * 300, "application/pdf"),
    )
    raw = raw_mail(a_parcel(*files))
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998

    def seen(content: bytes) -> list[Any]:
        mail = message_from_bytes(content, policy=default)
        assert all(not part.defects for part in mail.walk())
        of_all = [
            (
                part.get_content_type(),
                part.get_filename(),
                part.get_content_disposition(),
                part["Content-ID"],
                part.get_content_charset(),
                None if part.is_multipart() else _content(part),
            )
            for part in mail.walk()
        ]
        headers = {name: str(value) for name, value in mail.items() if not name.lower().startswith("content-")}
        return [headers, of_all]

    def _content(part: Any) -> Any:
        found = part.get_payload(decode=True)
        return found.replace(b"\r\n", b"\n").rstrip(b"\n") if part.get_content_maintype() == "text" else found

    assert seen(raw) == seen(as_the_library_writes_it(*files))


def test_every_attempt_writes_the_same_bytes(file_of: FileOf) -> None:
    file = file_of("a.csv", b"1;2\r\n")
    assert raw_mail(a_parcel(file)) == raw_mail(a_parcel(file, attempt=4))
    other = raw_mail(a_parcel(file, recipient="eve@example.com", key="execution-1/0/eve@example.com"))
    assert other != raw_mail(a_parcel(file))


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ({}, ["multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]),
        ({"body": "light"}, ["multipart/mixed", "multipart/alternative", "text/plain", "text/html"]),
        ({"body": "text"}, ["multipart/mixed", "text/plain"]),
        ({"body": "text", "attach": "none"}, ["text/plain"]),
        ({"attach": "none"}, ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]),
    ],
)
def test_the_body_is_as_the_schedule_wants_it(file_of: FileOf, settings: dict[str, Any], shape: list[str]) -> None:
    mail = mail_of(a_parcel(file_of("a.csv", b"1", "text/csv"), **settings))
    assert shape_of(mail) == [*shape, *(["text/csv"] if settings.get("attach") != "none" else [])]
    assert "Größe" in body_of(mail, "plain")


def test_inline_shows_pictures_in_the_mail_and_attaches_what_cannot_be_shown(file_of: FileOf) -> None:
    files = [file_of("a.png", PNG, "image/png"), file_of("b.html", b"<p>b</p>", "text/html"), file_of("c.csv", b"1")]
    mail = mail_of(a_parcel(*files, attach="inline"))
    shown = body_of(mail, "html")
    assert 'src="cid:file-1" alt="a.png" width="656"' in shown
    assert [part["Content-ID"] for part in mail.walk() if part["Content-ID"]] == ["<chart-1>", "<file-1>"]
    named = {part.get_filename(): part.get_content_disposition() for part in mail.walk() if part.get_filename()}
    assert named == {"chart-1.png": "inline", "a.png": "inline", "b.html": "inline", "c.csv": "attachment"}
    # Without an HTML body nothing shows the picture, so it is a part of its own.
    plain = mail_of(a_parcel(*files, attach="inline", body="text"))
    assert shape_of(plain) == ["multipart/mixed", "text/plain", "image/png", "text/html", "application/octet-stream"]


class TestTooLarge:
    def test_packed_where_that_helps(self, file_of: FileOf) -> None:
        mail = mail_of(a_parcel(file_of("a.csv", b"1;2\r\n" * 20_000)), max_bytes=50_000)
        assert [part.get_filename() for part in mail.iter_attachments()] == ["sales.zip"]
        for kind in ("plain", "html"):
            assert "100 kB" in body_of(mail, kind)

    def test_links_where_packing_does_not_help(self, file_of: FileOf) -> None:
        file = file_of("a & b.bin", hashlib.shake_256(b"noise").digest(90_000))
        url = "https://reports.example.com/d/abc?x=1&y=2"
        mail = mail_of(a_parcel(file, links={file.sha256: url}, facts=UNTIL), max_bytes=50_000)
        assert list(mail.iter_attachments()) == []
        plain, html = body_of(mail, "plain"), body_of(mail, "html")
        assert f"a & b.bin (90 kB)\n{url}\n" in plain
        assert '<a class="mr-link" href="https://reports.example.com/d/abc?x=1&amp;y=2"' in html
        assert ">a &amp; b.bin</a> (90 kB)" in html
        for body in (plain, html):
            assert "Mon 23 Feb 2026, 09:00 CET" in body
            assert "too large" in body

    def test_each_file_has_its_own_link_where_there_are_several(self, file_of: FileOf) -> None:
        files = [file_of("a.csv", b"1"), file_of("b.csv", b"2")]
        links = {file.sha256: f"https://reports.example.com/d/{file.filename}" for file in files}
        mail = mail_of(a_parcel(*files, attach="link", links=links))
        for file in files:
            assert f"{file.filename} (1 byte): {links[file.sha256]}" in body_of(mail, "plain")
            assert f'href="{links[file.sha256]}"' in body_of(mail, "html")

    def test_refused_without_links(self, file_of: FileOf) -> None:
        file = file_of("a.bin", hashlib.shake_256(b"noise").digest(90_000))
        with pytest.raises(Refused) as caught:
            mail_of(a_parcel(file, links={"another": "https://x.example.com"}), max_bytes=50_000)
        assert "90,000" in caught.value.message

    def test_links_at_once_where_the_schedule_wants_them(self, file_of: FileOf) -> None:
        file = file_of("a.csv", b"1")
        url = "https://reports.example.com/d/abc"
        mail = mail_of(a_parcel(file, attach="link", links={file.sha256: url}, facts=UNTIL))
        assert list(mail.iter_attachments()) == []
        assert "too large" not in body_of(mail, "plain")
        assert url in body_of(mail, "plain")
        assert url in body_of(mail, "html")
        with pytest.raises(ConfigurationError) as caught:
            mail_of(a_parcel(file, attach="link"))
        assert caught.value.field == "attach"


class TestHeaders:
    def test_whom_it_comes_from_and_whom_answers_reach(self) -> None:
        mail = mail_of(a_parcel())
        assert (str(mail["From"]), mail["Reply-To"]) == ("Reports <reports@example.com>", "ada@example.com")
        own = mail_of(a_parcel(from_name="Bäckerei, Reports", reply_to="team@example.com"))
        assert own["From"].addresses[0].display_name == "Bäckerei, Reports"
        assert own["Reply-To"] == "team@example.com"

    @pytest.mark.parametrize("owner", [None, {}, {"name": "Robot", "email": ""}, {"name": "x", "email": "no address"}])
    def test_an_owner_who_reads_no_mail_is_not_answered(self, owner: Any) -> None:
        parcel = a_parcel(facts={"owner": owner})
        assert mail_of(parcel)["Reply-To"] == "help@example.com"
        assert mail_of(parcel, sender=Sender(Address("R", addr_spec="r@example.com")))["Reply-To"] is None

    def test_unsubscribing_is_one_click(self) -> None:
        mail = mail_of(a_parcel(unsubscribe_url=UNSUBSCRIBE))
        assert mail["List-Unsubscribe"] == f"<{UNSUBSCRIBE}>"
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert mail_of(a_parcel())["List-Unsubscribe"] is None

    @pytest.mark.parametrize(
        "url", ["https://x.example.com/\r\nBcc: e@x.example.com", "https://x/ü", "https://x/>", "h" * 901]
    )
    def test_security_16_an_address_cannot_add_a_header(self, url: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            raw_mail(a_parcel(unsubscribe_url=url))
        assert caught.value.field == "unsubscribe_url"

    def test_a_group_shares_no_address_of_one_reader(self) -> None:
        parcel = a_parcel(
            to=["bob@example.com"], bcc=["eve@example.com"], each="group", unsubscribe_url=UNSUBSCRIBE, facts={"x": 1}
        )
        raw = raw_mail(parcel)
        assert b"eve" not in raw
        assert b"nsubscribe" not in raw
        assert message_from_bytes(raw, policy=default)["To"] == "bob@example.com"

    def test_a_thread_is_one_for_a_schedule_and_its_reader(self) -> None:
        def root_of(**changes: Any) -> str:
            mail = mail_of(a_parcel(thread="one", **changes))
            assert mail["In-Reply-To"] == mail["References"]
            assert mail["References"] != mail["Message-ID"]
            return str(mail["References"])

        assert root_of() == root_of(key="execution-2/0/bob@example.com", recipient="BOB@example.com")
        others = [root_of(recipient="eve@example.com"), root_of(facts={"schedule": {"id": "s-2", "name": "x"}})]
        assert len({root_of(), *others}) == 3
        assert mail_of(a_parcel())["References"] is None

    def test_a_correction_is_marked_on_its_face(self) -> None:
        corrects = "2026-02-02T08:00:00+00:00"
        facts = {"kind": "correction", "corrects": corrects, "correction_reason": "The rates were <old>."}
        mail = mail_of(a_parcel(facts=facts))
        assert mail["Subject"] == "[Corrected] Sales 2026-02-09"
        for kind in ("plain", "html"):
            body = body_of(mail, kind)
            assert body.index("Mon 2 Feb 2026, 09:00 CET") < body.index("The rates were") < body.index("Größe")
            assert ("<old>" in body) is (kind == "plain")

    def test_the_date_is_the_callers(self) -> None:
        assert mail_of(a_parcel())["Date"].datetime == DUE
        assert SENDER.address.addr_spec in str(mail_of(a_parcel())["From"])
