from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from datetime import date
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from prefect_email import EmailServerCredentials

from prefect_mailroom import outbound
from prefect_mailroom.channels.base import InlineImage, Parcel, ParcelFile
from prefect_mailroom.channels.email.channel import EmailChannel
from prefect_mailroom.channels.email.destination import EmailDestination
from prefect_mailroom.channels.steps import Steps
from prefect_mailroom.errors import ConfigurationError, MailroomError, OutcomeUnknown, Refused, RetryLater

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(250))


def channel_to(port: int, **settings: Any) -> EmailChannel:
    credentials = EmailServerCredentials(
        smtp_server=settings.pop("host", "127.0.0.1"),
        smtp_port=port,
        smtp_type=settings.pop("smtp_type", "INSECURE"),
        username=settings.pop("username", None),
        password=settings.pop("password", ""),
    )
    settings = {"allow_plain": True, "timeout_seconds": 20, **settings}
    return EmailChannel(credentials=credentials, from_address="reports@example.com", **settings)


def a_parcel(folder: Path, **changes: Any) -> Parcel:
    content = b"a;b\r\n1;2\r\n"
    path = folder / "artifact"
    path.write_bytes(content)
    destination = changes.pop("destination", EmailDestination(connection="corp", to=["ada@example.com"]))
    values: dict[str, Any] = {
        "key": "execution-1/0/ada@example.com",
        "attempt": 1,
        "recipient": destination.recipients()[0],
        "destination": destination,
        "files": (ParcelFile(path, "Übersicht & März 東京.csv", "text/csv", len(content), "0" * 64),),
        "text": "Größe: 1, 2.",
        "html": '<p>Größe</p><img src="cid:chart-1" alt="Chart">' + "<i>x</i>" * 400,
        "images": (InlineImage("chart-1", "image/png", PNG, "Chart"),),
        "variables": {"report_name": "Sales", "report_slug": "sales", "date": "2026-02-09"},
        **changes,
    }
    return Parcel(**values)


def parsed(envelope: Any) -> EmailMessage:
    return message_from_bytes(envelope.content, policy=default)


async def test_the_mail_is_well_formed(start_smtp: Any, tmp_path: Path) -> None:
    async with start_smtp() as server:
        channel = channel_to(server.port, from_name="Bäckerei, Reports", reply_to="help@example.com")
        receipt = await channel.deliver(a_parcel(tmp_path))
    [envelope] = server.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("reports@example.com", ["ada@example.com"])
    assert max(len(line) for line in envelope.content.split(b"\r\n")) <= 998
    assert envelope.content.isascii()
    assert b"\n" not in envelope.content.replace(b"\r\n", b"")
    mail = parsed(envelope)
    assert mail["Subject"] == "Sales 2026-02-09"
    assert str(mail["From"]) == '"Bäckerei, Reports" <reports@example.com>'
    assert mail["Reply-To"] == "help@example.com"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime is not None
    assert re.fullmatch(r"<[0-9a-f]{40}@example\.com>", mail["Message-ID"])
    shape = [part.get_content_type() for part in mail.walk()]
    assert shape == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "text/csv",
    ]
    image = list(mail.walk())[5]
    assert (image["Content-ID"], image.get_content_disposition()) == ("<chart-1>", "inline")
    assert image.get_payload(decode=True) == PNG
    assert b"filename*=utf-8''" in envelope.content
    assert [part.get_filename() for part in mail.iter_attachments()] == ["Übersicht & März 東京.csv"]
    assert receipt.reference == "4F2A1B3C"
    assert receipt.detail["reply"] == "250 2.0.0 Ok: queued as 4F2A1B3C"
    assert receipt.detail["message_id"] == mail["Message-ID"]


async def test_bcc_stands_in_no_header_and_each_recipient_gets_a_transaction(start_smtp: Any, tmp_path: Path) -> None:
    destination = EmailDestination(
        connection="corp", to=["ada@example.com"], cc=["bob@example.com"], bcc=["hidden@example.com"]
    )
    async with start_smtp() as server:
        for recipient in destination.recipients():
            parcel = a_parcel(tmp_path, destination=destination, recipient=recipient, key=f"k/{recipient}")
            await channel_to(server.port).deliver(parcel)
    assert [envelope.rcpt_tos for envelope in server.envelopes] == [
        ["ada@example.com"],
        ["bob@example.com"],
        ["hidden@example.com"],
    ]
    for envelope in server.envelopes:
        mail = parsed(envelope)
        assert (mail["To"], mail["Cc"], mail["Bcc"]) == ("ada@example.com", "bob@example.com", None)
        assert b"hidden" not in envelope.content
    assert len({parsed(envelope)["Message-ID"] for envelope in server.envelopes}) == 3


def a_group(folder: Path, **changes: Any) -> Parcel:
    destination = EmailDestination(
        connection="corp", to=["ada@example.com", "bob@example.com"], bcc=["hidden@example.com"], each="group"
    )
    return a_parcel(folder, destination=destination, **changes)


async def test_a_group_gets_one_mail_in_one_transaction(start_smtp: Any, tmp_path: Path) -> None:
    async with start_smtp() as server:
        receipt = await channel_to(server.port).deliver(a_group(tmp_path))
    [envelope] = server.envelopes
    assert envelope.rcpt_tos == ["ada@example.com", "bob@example.com", "hidden@example.com"]
    assert b"hidden" not in envelope.content
    assert set(receipt.detail["to_each"]) == set(envelope.rcpt_tos)
    assert receipt.detail["recipient"] == "ada@example.com and 2 more"


async def test_a_member_who_is_refused_for_good_holds_up_nobody(start_smtp: Any, tmp_path: Path) -> None:
    async with start_smtp() as server:
        server.replies["ada@example.com"] = "550 5.1.1 Unknown"
        receipt = await channel_to(server.port).deliver(a_group(tmp_path))
        server.rcpt_reply = "550 5.1.1 Unknown"
        with pytest.raises(Refused, match="550"):
            await channel_to(server.port).deliver(a_group(tmp_path))
    [envelope] = server.envelopes
    assert envelope.rcpt_tos == ["bob@example.com", "hidden@example.com"]
    assert receipt.detail["to_each"]["ada@example.com"].startswith("550 ")


async def test_a_member_who_cannot_get_it_yet_is_waited_for_a_while(start_smtp: Any, tmp_path: Path) -> None:
    async with start_smtp() as server:
        server.replies["bob@example.com"] = "450 4.2.1 Greylisted"
        for attempt in (1, 2):
            with pytest.raises(RetryLater, match="450"):
                await channel_to(server.port).deliver(a_group(tmp_path, attempt=attempt))
        assert server.envelopes == []
        await channel_to(server.port).deliver(a_group(tmp_path, attempt=3))
    assert [envelope.rcpt_tos for envelope in server.envelopes] == [["ada@example.com", "hidden@example.com"]]


async def test_a_repeat_carries_the_same_message_id(start_smtp: Any, tmp_path: Path) -> None:
    async with start_smtp() as server:
        server.data_breaks = True
        with pytest.raises(OutcomeUnknown):
            await channel_to(server.port).deliver(a_parcel(tmp_path))
        server.data_breaks = False
        await channel_to(server.port).deliver(replace(a_parcel(tmp_path), attempt=2))
    first, second = (parsed(envelope)["Message-ID"] for envelope in server.envelopes)
    assert first == second


async def test_the_schedules_text_stands_in_both_parts(start_smtp: Any, tmp_path: Path) -> None:
    destination = EmailDestination(
        connection="corp",
        to=["ada@example.com"],
        text="Dear {param_name},\n\nhere is <{report_name}> of {date}.\nAll {{figures}} & more.",
    )
    variables = {"report_name": "Sales", "report_slug": "sales", "date": date(2026, 2, 9), "param_name": "<b>Ada</b>"}
    parcel = a_parcel(
        tmp_path,
        destination=destination,
        variables=variables,
        html='<!doctype html><html><head><title>x</title></head><BODY class="a"><p>Größe</p></body></html>',
        images=(),
    )
    async with start_smtp() as server:
        await channel_to(server.port).deliver(parcel)
    mail = parsed(server.envelopes[0])
    plain, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    told = plain.get_content().replace("\r\n", "\n")
    assert told.startswith("Dear <b>Ada</b>,\n\nhere is <Sales> of 2026-02-09.\nAll {figures} & more.\n\nGröße: 1, 2.")
    body = html.get_content()
    assert "<b>" not in body
    first, second = re.findall(r"<p[^>]*>(.*?)</p>", body, re.DOTALL)[:2]
    assert first == "Dear &lt;b&gt;Ada&lt;/b&gt;,"
    assert second == "here is &lt;Sales&gt; of 2026-02-09.<br>All {figures} &amp; more."
    assert body.index('<BODY class="a">') < body.index("Dear") < body.index("<p>Größe</p>")


async def test_a_text_without_its_value_is_refused_before_anything_is_sent(start_smtp: Any, tmp_path: Path) -> None:
    destination = EmailDestination(connection="corp", to=["ada@example.com"], text="Until {window_to}")
    async with start_smtp() as server:
        with pytest.raises(ConfigurationError) as caught:
            await channel_to(server.port).deliver(a_parcel(tmp_path, destination=destination))
    assert caught.value.field == "text"
    assert server.envelopes == []


async def test_a_test_is_marked(start_smtp: Any, tmp_path: Path) -> None:
    async with start_smtp() as server:
        await channel_to(server.port).deliver(a_parcel(tmp_path, is_test=True))
    assert parsed(server.envelopes[0])["Subject"] == "[Test] Sales 2026-02-09"


async def test_security_16_to_17_header_injection_and_smuggling_stay_text(start_smtp: Any, tmp_path: Path) -> None:
    hostile = "Sales\r\nBcc: evil@example.com\u2028X: y"
    smuggled = "one\r\n.\r\nMAIL FROM:<evil@example.com>\n.\n.lead\r.\r"
    async with start_smtp() as server:
        parcel = a_parcel(tmp_path, subject=hostile, text=smuggled, html="")
        await channel_to(server.port).deliver(parcel)
        variables = {"report_name": hostile, "report_slug": "s", "date": "d"}
        await channel_to(server.port).deliver(a_parcel(tmp_path, variables=variables))
    assert len(server.envelopes) == 2
    for envelope in server.envelopes:
        mail = parsed(envelope)
        assert mail["Bcc"] is None
        assert mail["X"] is None
        assert str(mail["Subject"]).startswith("Sales  Bcc: evil@example.com X: y")
    body = parsed(server.envelopes[0]).get_body(("plain",))
    assert body is not None
    assert "MAIL FROM:<evil@example.com>" in body.get_content()
    assert ".lead" in body.get_content()


async def test_zip_holds_the_files(start_smtp: Any, tmp_path: Path) -> None:
    destination = EmailDestination(connection="corp", to=["ada@example.com"], compress=True)
    async with start_smtp() as server:
        await channel_to(server.port).deliver(a_parcel(tmp_path, destination=destination))
    [attached] = parsed(server.envelopes[0]).iter_attachments()
    assert attached.get_filename() == "sales.zip"
    content = attached.get_payload(decode=True)
    assert isinstance(content, bytes)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "Übersicht & März 東京.csv": b"a;b\r\n1;2\r\n"
        }


async def test_no_attachment_when_none_is_wanted(start_smtp: Any, tmp_path: Path) -> None:
    destination = EmailDestination(connection="corp", to=["ada@example.com"], attach="none")
    async with start_smtp() as server:
        await channel_to(server.port).deliver(a_parcel(tmp_path, destination=destination))
    assert list(parsed(server.envelopes[0]).iter_attachments()) == []


async def test_too_large_is_refused_before_anything_is_sent(start_smtp: Any, tmp_path: Path) -> None:
    async with start_smtp() as server:
        channel = channel_to(server.port, max_attachment_mb=0.000005)
        with pytest.raises(Refused, match="10 bytes"):
            await channel.deliver(a_parcel(tmp_path))
    assert server.envelopes == []


@pytest.mark.parametrize(
    ("reply", "answer", "outcome"),
    [
        ("rcpt_reply", "450 4.2.1 Greylisted", RetryLater),
        ("rcpt_reply", "550 5.1.1 Unknown", Refused),
        ("data_reply", "451 4.3.0 Later", RetryLater),
        ("data_reply", "554 5.6.0 Spam", Refused),
        ("mail_reply", "553 5.7.1 Not your address", ConfigurationError),
        ("mail_reply", "421 4.3.2 Shutting down", RetryLater),
    ],
)
async def test_each_answer_has_its_outcome(
    start_smtp: Any, tmp_path: Path, reply: str, answer: str, outcome: type[MailroomError]
) -> None:
    async with start_smtp() as server:
        setattr(server, reply, answer)
        with pytest.raises(outcome, match=answer[:3]):
            await channel_to(server.port).deliver(a_parcel(tmp_path))


async def test_silence_before_data_is_later_not_unknown(silent_port: int, tmp_path: Path) -> None:
    with pytest.raises(RetryLater):
        await channel_to(silent_port, timeout_seconds=1).deliver(a_parcel(tmp_path))


async def test_lost_after_data_is_unknown(start_smtp: Any, tmp_path: Path) -> None:
    async with start_smtp() as server:
        server.data_hangs = True
        with pytest.raises(OutcomeUnknown):
            await channel_to(server.port, timeout_seconds=2).deliver(a_parcel(tmp_path))


class TestTls:
    async def test_login_over_implicit_tls(self, start_smtp: Any, make_certificate: Any, tmp_path: Path) -> None:
        certificate = make_certificate()
        async with start_smtp(certificate, implicit=True) as server:
            channel = channel_to(server.port, smtp_type="SSL", allow_plain=False, ca_certificates=certificate.pem)
            await channel.deliver(a_parcel(tmp_path))
            assert "TLSv1" in await channel.check(Steps())
        assert len(server.envelopes) == 1

    @pytest.mark.parametrize("smtp_type", ["SSL", "STARTTLS"])
    @pytest.mark.parametrize("fault", ["self-signed", "wrong host", "expired"])
    async def test_security_40_bad_certificates_are_refused(
        self, start_smtp: Any, make_certificate: Any, tmp_path: Path, smtp_type: str, fault: str
    ) -> None:
        certificate = make_certificate(
            address="127.0.0.9" if fault == "wrong host" else "127.0.0.1", days=-1 if fault == "expired" else 2
        )
        trusted = "" if fault == "self-signed" else certificate.pem
        async with start_smtp(certificate, implicit=smtp_type == "SSL") as server:
            channel = channel_to(server.port, smtp_type=smtp_type, allow_plain=False, ca_certificates=trusted)
            with pytest.raises(ConfigurationError, match="TLS"):
                await channel.deliver(a_parcel(tmp_path))
        assert server.envelopes == []

    async def test_security_40_starttls_stripped_is_refused(self, start_smtp: Any, tmp_path: Path) -> None:
        async with start_smtp() as server:
            channel = channel_to(server.port, smtp_type="STARTTLS", username="mailroom", password="canary-pw")
            with pytest.raises(ConfigurationError, match="STARTTLS"):
                await channel.deliver(a_parcel(tmp_path))
        assert server.envelopes == []
        assert server.logins == []

    async def test_wrong_password_is_a_configuration_error(
        self, start_smtp: Any, make_certificate: Any, tmp_path: Path
    ) -> None:
        certificate = make_certificate()
        async with start_smtp(certificate, auth=True) as server:
            channel = channel_to(
                server.port,
                smtp_type="STARTTLS",
                username="mailroom",
                password="canary-wrong",
                ca_certificates=certificate.pem,
            )
            with pytest.raises(ConfigurationError, match="login") as caught:
                await channel.check(Steps())
        assert "canary" not in f"{caught.value} {caught.value.__cause__}"

    async def test_unreadable_ca_is_a_configuration_error(self, start_smtp: Any, tmp_path: Path) -> None:
        async with start_smtp() as server:
            with pytest.raises(ConfigurationError, match="PEM"):
                await channel_to(server.port, ca_certificates="not pem").deliver(a_parcel(tmp_path))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "no-such-host.invalid"])
async def test_hosts_inside_are_refused(
    start_smtp: Any, tmp_path: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(outbound.VARIABLE)
    async with start_smtp() as server:
        with pytest.raises(MailroomError) as caught:
            await channel_to(server.port, host=host).deliver(a_parcel(tmp_path))
    # Where no name server is reached, an unknown name cannot be told from a silent server.
    assert isinstance(caught.value, ConfigurationError) or (
        host.endswith("invalid") and "name server" in str(caught.value)
    )
    assert server.envelopes == []


async def test_destination_of_another_channel_is_refused(start_smtp: Any, tmp_path: Path) -> None:
    from prefect_mailroom.channels.webhook.destination import WebhookDestination

    async with start_smtp() as server:
        with pytest.raises(ConfigurationError):
            await channel_to(server.port).deliver(a_parcel(tmp_path, destination=WebhookDestination(connection="x")))
