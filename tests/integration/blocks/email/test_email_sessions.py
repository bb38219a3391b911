"""Sessions with mail servers are kept and reused, and never where they should not be."""

from __future__ import annotations

import asyncio
import gc
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvloop
from aiosmtpd.smtp import SMTP, Envelope, Session

from prefect_mailroom import outbound
from prefect_mailroom.channels.email.smtp import sessions
from prefect_mailroom.errors import MailroomError, Refused, RetryLater, TargetForbidden, Withdrawn
from tests.integration.blocks.email.conftest import a_parcel, channel_to
from tests.support.dovecot import PASSWORD, USERNAME, Dovecot
from tests.support.smtp import SmtpServer
from tests.support.smtp_sink import smtp_sink
from tests.support.token_server import TokenServer
from tests.support.waiting import eventually, eventually_sync


@dataclass
class Scripted(SmtpServer):
    """Answers the next MAILs in this way, then as usual."""

    mail_replies: list[str] = field(default_factory=list)

    async def handle_MAIL(  # noqa: N802  # aiosmtpd's name.
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.mail_reply = self.mail_replies.pop(0) if self.mail_replies else None
        return await super().handle_MAIL(server, session, envelope, address, options)


async def test_one_session_for_all_mails_in_turn(start_smtp: Any, tmp_path: Path) -> None:
    async with start_smtp() as server:
        for number in range(5):
            await channel_to(server.port).deliver(a_parcel(tmp_path, number))
        server.replies["bad@example.com"] = "550 5.1.1 Unknown"
        with pytest.raises(Refused):
            await channel_to(server.port).deliver(a_parcel(tmp_path, recipient="bad@example.com"))
        server.data_reply = "451 4.3.0 Later"
        with pytest.raises(RetryLater):
            await channel_to(server.port).deliver(a_parcel(tmp_path, 5))

        async def taken_back() -> None:
            raise Withdrawn("No.")

        with pytest.raises(Withdrawn):
            await channel_to(server.port).deliver(a_parcel(tmp_path, 6, last_look=taken_back))
        server.data_reply = "250 2.0.0 Ok"
        await channel_to(server.port).deliver(a_parcel(tmp_path, 7))
    assert server.connections == 1
    assert len(set(server.message_ids())) == 6
    assert [envelope.rcpt_tos for envelope in server.envelopes] == [["ada@example.com"]] * 7


async def test_a_session_sends_so_many_mails_at_most(
    start_smtp: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MOST_MAILS", 2)
    async with start_smtp() as server:
        for number in range(5):
            await channel_to(server.port).deliver(a_parcel(tmp_path, number))
    assert server.connections == 3


async def test_two_sessions_at_once_at_most(start_smtp: Any, tmp_path: Path) -> None:
    async with start_smtp() as server:
        at_once = most = 0

        async def look() -> None:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0.02)
            at_once -= 1

        server.before = look
        channel = channel_to(server.port, max_sessions=2)
        await asyncio.gather(*(channel.deliver(a_parcel(tmp_path, number)) for number in range(8)))
    assert (server.connections, most) == (2, 2)
    assert len(set(server.message_ids())) == 8


async def test_who_waits_too_long_for_a_session_tries_later(start_smtp: Any, tmp_path: Path) -> None:
    async with start_smtp() as server:
        server.held.add("ada@example.com")
        slow = [
            asyncio.create_task(channel_to(server.port, max_sessions=2).deliver(a_parcel(tmp_path, number)))
            for number in range(2)
        ]
        await eventually(lambda: len(server.waiting) == 2)
        with pytest.raises(RetryLater):
            await channel_to(server.port, max_sessions=2, timeout_seconds=0.4).deliver(a_parcel(tmp_path, 9))
        server.release()
        await asyncio.gather(*slow)


async def test_an_idle_session_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "IDLE_SECONDS", 0.2)
    with smtp_sink() as sink:
        await channel_to(sink.port).deliver(a_parcel(tmp_path))
        assert sink.connections() == 1
        await eventually(lambda: sink.connections() == 0)


async def test_a_session_that_died_is_replaced(tmp_path: Path) -> None:
    with smtp_sink() as sink:
        port = sink.port
        await channel_to(port).deliver(a_parcel(tmp_path))
    with smtp_sink(port=port) as sink:
        await channel_to(port).deliver(a_parcel(tmp_path, 1))
        assert len(sink.mails()) == 1


@pytest.mark.parametrize("reply", ["421 4.4.2 Idle for too long", "530 5.7.57 Not authenticated"])
async def test_a_server_that_is_tired_of_a_session_gets_a_new_one(tmp_path: Path, reply: str) -> None:
    async with Scripted().serving() as server:
        assert isinstance(server, Scripted)
        await channel_to(server.port).deliver(a_parcel(tmp_path))
        server.mail_replies = [reply]
        await channel_to(server.port).deliver(a_parcel(tmp_path, 1))
        assert server.connections == 2
        server.mail_replies = [reply, reply]
        with pytest.raises(MailroomError):  # A new session that is refused, too, is the truth.
            await channel_to(server.port).deliver(a_parcel(tmp_path, 2))
        assert len(server.mails) == 2


async def test_other_settings_open_a_session_of_their_own(start_smtp: Any, tmp_path: Path) -> None:
    async with start_smtp(auth=True) as server:
        login = {"username": "mailroom", "password": "canary-smtp-password"}
        await channel_to(server.port, **login).deliver(a_parcel(tmp_path))
        with pytest.raises(MailroomError):
            await channel_to(server.port, **login | {"password": "another"}).deliver(a_parcel(tmp_path, 1))
        await channel_to(server.port, **login).deliver(a_parcel(tmp_path, 2))
    assert server.connections == 2
    assert len(server.mails) == 2


async def test_a_kept_session_does_not_outlive_the_list_of_the_operator(
    start_smtp: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start_smtp() as server:
        await channel_to(server.port).deliver(a_parcel(tmp_path))
        monkeypatch.delenv(outbound.VARIABLE)
        with pytest.raises(TargetForbidden):
            await channel_to(server.port).deliver(a_parcel(tmp_path, 1))
        assert len(server.mails) == 1


async def test_a_cancelled_mail_leaves_no_session_behind(start_smtp: Any, tmp_path: Path) -> None:
    async with start_smtp() as server:
        await channel_to(server.port).deliver(a_parcel(tmp_path))
        server.held.add("held@example.com")
        held = asyncio.create_task(channel_to(server.port).deliver(a_parcel(tmp_path, 1, recipient="held@example.com")))
        await eventually(lambda: server.waiting)
        held.cancel()
        with pytest.raises(asyncio.CancelledError):
            await held
        await channel_to(server.port).deliver(a_parcel(tmp_path, 2))
        server.release()
    assert server.connections == 2
    assert [who for who, _ in server.mails].count("ada@example.com") == 2


def test_a_forked_child_never_uses_its_parents_session(tmp_path: Path) -> None:
    with SmtpServer().in_thread() as server, asyncio.Runner() as runner:
        channel = channel_to(server.port)
        runner.run(channel.deliver(a_parcel(tmp_path)))
        child = os.fork()
        if child == 0:
            try:
                theirs = [link for link in psutil.Process().net_connections("tcp") if link.raddr]
                of_parent = [link for link in theirs if link.raddr.port == server.port]
                asyncio.run(channel.deliver(a_parcel(tmp_path, 1)))
                os._exit(1 if of_parent else 0)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        runner.run(channel.deliver(a_parcel(tmp_path, 2)))
        assert server.connections == 2
        assert len(set(server.message_ids())) == 3


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("encrypted", [False, True])
def test_sessions_end_with_their_loop_without_a_warning(
    tmp_path: Path,
    submission: tuple[Dovecot, TokenServer, int],
    encrypted: bool,
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    dovecot, _, relay = submission
    login = {"smtp_type": "STARTTLS", "username": USERNAME, "password": PASSWORD, "ca_certificates": dovecot.pem}
    gc.collect()  # What other tests have left open is not to be told here.
    with smtp_sink(port=relay) as sink, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        channel = channel_to(dovecot.port, **login) if encrypted else channel_to(sink.port)
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(channel.deliver(a_parcel(tmp_path)))
            assert sink.connections() == 1
        gc.collect()
        eventually_sync(lambda: sink.connections() == 0)
    assert [str(one.message) for one in caught if issubclass(one.category, ResourceWarning)] == []
