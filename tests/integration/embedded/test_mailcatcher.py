"""The mail catcher as the embedded mode starts it: a process of its own, spoken to by smtplib and httpx."""

from __future__ import annotations

import smtplib
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from embedded.mailcatcher.store import MailStore
from embedded.ports import free_port, free_ports
from tests.support.waiting import eventually_sync

ROOT = Path(__file__).parents[3]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))


@dataclass
class Catcher:
    smtp_port: int
    web: httpx.Client

    def send(self, mail: EmailMessage, *, to: list[str] | None = None) -> None:
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=10) as smtp:
            smtp.send_message(mail, to_addrs=to)

    def messages(self) -> list[dict[str, Any]]:
        found = self.web.get("/api/messages").raise_for_status().json()
        assert isinstance(found, list)
        return found


Start = Callable[[], Catcher]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    processes: list[subprocess.Popen[str]] = []
    clients: list[httpx.Client] = []

    def _start() -> Catcher:
        for old in processes:
            old.terminate()
            old.wait(30)
        smtp_port, web_port = free_ports("127.0.0.1", 2)
        command = [sys.executable, "-m", "embedded.mailcatcher", "--folder", str(tmp_path / "mails")]
        ports = ["--smtp-port", str(smtp_port), "--web-port", str(web_port)]
        processes.append(subprocess.Popen([*command, *ports], cwd=ROOT, stderr=subprocess.PIPE, text=True))
        client = httpx.Client(base_url=f"http://127.0.0.1:{web_port}", trust_env=False, timeout=10)
        clients.append(client)

        def answers() -> bool:
            assert processes[-1].poll() is None, processes[-1].communicate()[1]
            try:
                return client.get("/api/messages").is_success
            except httpx.TransportError:
                return False

        eventually_sync(answers)
        return Catcher(smtp_port, client)

    yield _start
    for client in clients:
        client.close()
    for process in processes:
        process.terminate()
        process.communicate(timeout=30)


def report_mail() -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Mailroom <reports@example.com>"
    mail["To"] = "ada@example.com"
    mail["Subject"] = "Übersicht <b>März</b>"
    mail.set_content("Plain words.\n..dots\n")
    mail.add_alternative('<p>Hello</p><script>alert(1)</script><img src="cid:chart-1">', subtype="html")
    html = mail.get_body(("html",))
    assert isinstance(html, EmailMessage)
    html.add_related(PNG, "image", "png", cid="<chart-1>", filename="chart.png", disposition="inline")
    mail.add_attachment(b"a;b\r\n1;2\r\n", maintype="text", subtype="csv", filename="Zahlen – März.csv")
    return mail


def test_mail_is_shown_in_full(start: Start) -> None:
    catcher = start()
    catcher.send(report_mail(), to=["ada@example.com", "hidden@example.com"])

    [listed] = catcher.messages()
    assert listed["subject"] == "Übersicht <b>März</b>"
    assert listed["to"] == ["ada@example.com", "hidden@example.com"]
    shown = catcher.web.get(f"/api/messages/{listed['id']}").raise_for_status().json()
    assert shown["text"] == "Plain words.\n..dots\n"
    assert "cid:chart-1" in shown["html"]
    assert ["To", "ada@example.com"] in shown["headers"]
    image, file = shown["attachments"]
    assert (image["content_id"], image["inline"], image["media_type"]) == ("chart-1", True, "image/png")
    assert (file["filename"], file["inline"], file["size"]) == ("Zahlen – März.csv", False, 10)
    got = catcher.web.get(f"/api/messages/{listed['id']}/attachments/{file['number']}")
    assert got.content == b"a;b\r\n1;2\r\n"
    assert got.headers["content-disposition"].startswith("attachment;")


def test_page_shows_the_mail_without_letting_it_act(start: Start) -> None:
    catcher = start()
    catcher.send(report_mail())
    identifier = catcher.messages()[0]["id"]

    listing = catcher.web.get("/").raise_for_status()
    assert "&lt;b&gt;März" in listing.text
    assert f'href="/messages/{identifier}"' in listing.text
    page = catcher.web.get(f"/messages/{identifier}").raise_for_status()
    assert f'<iframe sandbox src="/messages/{identifier}/html"' in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    body = catcher.web.get(f"/messages/{identifier}/html").raise_for_status()
    policy = body.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert '<img src="data:image/png;base64,' in body.text, "The inline image is not shown."


def test_mails_survive_a_restart(start: Start) -> None:
    start().send(report_mail())
    again = start()
    assert [mail["subject"] for mail in again.messages()] == ["Übersicht <b>März</b>"]


def test_answers_to_its_own_names_alone(start: Start) -> None:
    catcher = start()
    assert catcher.web.get("/api/messages", headers={"host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("identifier", ["..%2f..%2fetc%2fpasswd", "nothing", "0" * 20 + "-" + "a" * 8])
def test_unknown_mail_is_not_found(start: Start, identifier: str) -> None:
    answer = start().web.get(f"/api/messages/{identifier}")
    assert answer.status_code == 404


def test_port_in_use_is_said_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "embedded.mailcatcher", "--folder", str(tmp_path)]
        ended = subprocess.run(
            [*command, "--smtp-port", str(port), "--web-port", str(free_port("127.0.0.1"))],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_oldest_mails_make_room(tmp_path: Path) -> None:
    store = MailStore(tmp_path, limit=3)
    kept = [
        store.add(f"Subject: {number}\r\n\r\nx".encode(), "a@example.com", ["b@example.com"]) for number in range(5)
    ]
    assert [summary.subject for summary in store.summaries()] == ["4", "3", "2"]
    assert store.read(kept[0]) is None
    assert len(list(tmp_path.glob("*.eml"))) == 3
