"""Several servers in order: who takes over, who never does, and what the receipt says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prefect_mailroom.channels.base import Grade
from prefect_mailroom.channels.email.channel import EmailChannel
from prefect_mailroom.channels.email.destination import EmailDestination
from prefect_mailroom.channels.steps import Steps
from prefect_mailroom.errors import ConfigurationError, OutcomeUnknown, Refused, RetryLater
from tests.integration.blocks.email.conftest import a_parcel, channel_to
from tests.support.mail_parser import read_mail
from tests.support.smtp_sink import smtp_sink
from tests.support.smtp_tokens import TokenSmtpServer
from tests.support.token_server import CLIENT_ID, CLIENT_SECRET, TokenServer


def second(port: int, **settings: Any) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": port, "security": "none", **settings}


PASSED_OVER = [
    ("-q", "CONNECT"),
    ("-Q", "CONNECT"),
    ("-q", "MAIL"),
    ("-Q", "MAIL"),
    ("-r", "MAIL"),
    ("-r", "RCPT"),
    ("-q", "RCPT"),
    ("-r", "DATA"),
    ("-q", "DATA"),
    ("-Q", "."),
    ("-r", "."),
]


@pytest.mark.parametrize("fault", PASSED_OVER, ids=" ".join)
async def test_the_next_server_takes_what_the_first_one_has_not(fault: tuple[str, str], tmp_path: Path) -> None:
    with smtp_sink(*fault) as first, smtp_sink() as other:
        receipt = await channel_to(first.port, second_server=second(other.port)).deliver(a_parcel(tmp_path))
        [mail] = other.mails()
    assert receipt.detail["server"] == f"127.0.0.1:{other.port}"
    [passed_over] = receipt.detail["passed_over"]
    assert passed_over["server"] == f"127.0.0.1:{first.port}"
    assert passed_over["why"]
    assert read_mail(mail.content).message_id == receipt.detail["message_id"]


@pytest.mark.parametrize("fault", [("-q", "."), ("-W", ".:30")], ids=" ".join)
async def test_nobody_takes_over_what_the_first_server_may_have(fault: tuple[str, str], tmp_path: Path) -> None:
    with smtp_sink(*fault) as first, smtp_sink() as other:
        channel = channel_to(first.port, second_server=second(other.port), timeout_seconds=2)
        with pytest.raises(OutcomeUnknown, match=f"127.0.0.1:{first.port}"):
            await channel.deliver(a_parcel(tmp_path))
        assert other.mails() == []


@pytest.mark.parametrize("fault", [("-f", "RCPT"), ("-f", "DATA"), ("-f", ".")], ids=" ".join)
async def test_what_a_server_refuses_for_good_is_final(fault: tuple[str, str], tmp_path: Path) -> None:
    with smtp_sink(*fault) as first, smtp_sink() as other:
        with pytest.raises(Refused):
            await channel_to(first.port, second_server=second(other.port)).deliver(a_parcel(tmp_path))
        assert other.mails() == []


@pytest.mark.parametrize(("reply", "outcome"), [("452 4.2.2 Full", RetryLater), ("552 5.2.2 Full", Refused)])
@pytest.mark.parametrize("command", ["RCPT", "."])
async def test_a_full_mailbox(reply: str, outcome: type[Exception], command: str, tmp_path: Path) -> None:
    how = ("-b", reply, "-r", command) if reply.startswith("4") else ("-B", reply, "-f", command)
    with smtp_sink(*how) as sink, pytest.raises(outcome, match=reply[:9]):
        await channel_to(sink.port).deliver(a_parcel(tmp_path))


async def test_a_mail_that_is_too_big_is_refused_before_it_is_sent(start_smtp: Any, tmp_path: Path) -> None:
    async with start_smtp() as server:
        server.mail_reply = "552 5.3.4 Message size exceeds fixed limit"
        with pytest.raises(Refused) as caught:
            await channel_to(server.port).deliver(a_parcel(tmp_path))
    assert caught.value.remedy
    assert server.envelopes == []


async def test_a_host_that_is_away_is_passed_over_too(closed_port: int, tmp_path: Path) -> None:
    with smtp_sink() as third:
        settings = {"second_server": second(closed_port), "third_server": second(third.port)}
        receipt = await channel_to(closed_port, **settings).deliver(a_parcel(tmp_path))
        assert len(third.mails()) == 1
    assert len(receipt.detail["passed_over"]) == 2


async def test_a_wrong_login_at_the_first_server_is_not_hidden(start_smtp: Any, tmp_path: Path) -> None:
    async with start_smtp(auth=True) as first:
        with smtp_sink() as other:
            login = {"username": "mailroom", "password": "wrong"}
            with pytest.raises(ConfigurationError):
                await channel_to(first.port, second_server=second(other.port), **login).deliver(a_parcel(tmp_path))
            assert other.mails() == []


async def test_a_wrong_login_in_reserve_leaves_the_mail_waiting(
    start_smtp: Any, closed_port: int, tmp_path: Path
) -> None:
    async with start_smtp(auth=True) as other:
        reserve = second(other.port, username="mailroom", password="canary-wrong")
        with pytest.raises(RetryLater) as caught:
            await channel_to(closed_port, second_server=reserve).deliver(a_parcel(tmp_path))
    assert str(other.port) in str(caught.value)
    assert "canary" not in str(caught.value)


async def test_a_server_without_tokens_at_the_moment_is_passed_over(tokens: TokenServer, tmp_path: Path) -> None:
    tokens.fails = (503, {})
    oauth = {
        "provider": "microsoft",
        "tenant": "contoso",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "authority": tokens.url,
    }
    with smtp_sink() as other:
        async with TokenSmtpServer(tokens=tokens).serving(auth=True) as first:
            receipt = await channel_to(first.port, oauth=oauth, second_server=second(other.port)).deliver(
                a_parcel(tmp_path)
            )
        assert len(other.mails()) == 1
    assert receipt.detail["server"].endswith(str(other.port))


async def test_all_servers_are_checked_in_order(start_smtp: Any, closed_port: int) -> None:
    async with start_smtp() as first:
        steps = Steps()
        with pytest.raises(RetryLater):
            await channel_to(first.port, second_server=second(closed_port)).check(steps)
    assert [step.name.value for step in steps.done] == ["resolve", "connect", "login", "answer", "resolve", "connect"]
    assert [step.ok for step in steps.done] == [True] * 5 + [False]


@pytest.mark.parametrize(
    ("said", "grade", "reference"),
    [
        ("250 2.0.0 Ok: queued as 4F2A1B3C", Grade.ACCEPTED_WITH_ID, "4F2A1B3C"),
        ("250 Message accepted for delivery", Grade.ACCEPTED, "<"),
    ],
)
async def test_the_grade_of_a_receipt(start_smtp: Any, tmp_path: Path, said: str, grade: Grade, reference: str) -> None:
    async with start_smtp() as server:
        server.data_reply = said
        receipt = await channel_to(server.port).deliver(a_parcel(tmp_path))
    assert receipt.grade is grade
    assert receipt.reference.startswith(reference)


class TestGroups:
    """Several recipients in one transaction."""

    async def _send(self, channel: EmailChannel, folder: Path, *to: str, attempt: int = 1) -> dict[str, Any]:
        group = EmailDestination(connection="corp", to=list(to), each="group")
        receipt = await channel.deliver(a_parcel(folder, destination=group, attempt=attempt))
        return dict(receipt.detail)

    async def test_all_in_one_transaction(self, start_smtp: Any, tmp_path: Path) -> None:
        async with start_smtp() as server:
            detail = await self._send(channel_to(server.port), tmp_path, "a@example.com", "b@example.com")
        [envelope] = server.envelopes
        assert envelope.rcpt_tos == ["a@example.com", "b@example.com"]
        assert detail["to_each"] == {"a@example.com": "250 OK", "b@example.com": "250 OK"}
        assert detail["refused"] == []

    async def test_some_are_refused(self, start_smtp: Any, tmp_path: Path) -> None:
        async with start_smtp() as server:
            server.replies = {"b@example.com": "550 5.1.1 Unknown", "c@example.com": "450 4.2.1 Later"}
            people = ("a@example.com", "b@example.com", "c@example.com")
            with pytest.raises(RetryLater, match=r"c@example\.com"):  # One may get it later, so all wait.
                await self._send(channel_to(server.port), tmp_path, *people)
            assert server.envelopes == []
            detail = await self._send(channel_to(server.port), tmp_path, *people, attempt=3)
        assert server.taken() == ["a@example.com"]
        assert detail["refused"] == ["b@example.com", "c@example.com"]
        assert detail["to_each"]["b@example.com"] == "550 5.1.1 Unknown"

    async def test_all_are_refused(self, start_smtp: Any, tmp_path: Path) -> None:
        async with start_smtp() as server:
            server.rcpt_reply = "550 5.1.1 Unknown"
            with pytest.raises(Refused):
                await self._send(channel_to(server.port), tmp_path, "a@example.com", "b@example.com", attempt=3)
            server.rcpt_reply, server.replies = None, {"a@example.com": "550 No", "b@example.com": "450 Later"}
            with pytest.raises(RetryLater):
                await self._send(channel_to(server.port), tmp_path, "a@example.com", "b@example.com", attempt=3)
        assert server.envelopes == []
