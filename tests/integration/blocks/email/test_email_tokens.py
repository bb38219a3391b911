"""Logging in by tokens: how they are got, kept, renewed, and never told."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from prefect_mailroom import outbound
from prefect_mailroom.channels.email.channel import EmailChannel
from prefect_mailroom.channels.email.oauth.settings import OAuth
from prefect_mailroom.channels.email.oauth.tokens import Tokens
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError, MailroomError, RetryLater
from tests.integration.blocks.email.conftest import a_parcel, channel_to
from tests.support.dovecot import Dovecot
from tests.support.smtp_sink import smtp_sink
from tests.support.smtp_tokens import TokenSmtpServer
from tests.support.token_server import CLIENT_ID, CLIENT_SECRET, MAILBOX, REFRESH_TOKEN, TokenServer
from tests.support.waiting import eventually


def microsoft(tokens: TokenServer, **changes: Any) -> dict[str, Any]:
    return {
        "provider": "microsoft",
        "tenant": "contoso",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "authority": tokens.url,
        **changes,
    }


def google(tokens: TokenServer) -> dict[str, Any]:
    return {"provider": "google", "service_account_key": tokens.google_key(), "subject": MAILBOX}


def refreshing(tokens: TokenServer) -> dict[str, Any]:
    app = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}
    return {"provider": "refresh_token", "token_url": f"{tokens.url}/token", **app}


LOGINS = [microsoft, google, refreshing]


@pytest.fixture
async def server(tokens: TokenServer) -> AsyncIterator[TokenSmtpServer]:
    async with TokenSmtpServer(tokens=tokens).serving(auth=True) as serving:
        assert isinstance(serving, TokenSmtpServer)
        yield serving


def channel_by(login: dict[str, Any], port: int, **settings: Any) -> EmailChannel:
    return channel_to(port, oauth=login, **settings)


@pytest.mark.parametrize("login", LOGINS)
async def test_each_provider_gives_a_token_that_is_used_again(
    login: Any, server: TokenSmtpServer, tokens: TokenServer, tmp_path: Path
) -> None:
    for number in range(2):
        await channel_by(login(tokens), server.port).deliver(a_parcel(tmp_path, number))
    other = channel_by(login(tokens), server.port, ca_certificates=" ")
    with pytest.raises(ConfigurationError):  # Unreadable certificates: another server, which asks for no new token.
        await other.deliver(a_parcel(tmp_path, 2))
    assert (len(server.mails), len(tokens.asked), server.logins) == (2, 1, ["XOAUTH2"])


async def test_a_token_is_asked_for_once_by_all_who_need_it(tokens: TokenServer) -> None:
    ours, login = Tokens(), OAuth.model_validate(microsoft(tokens))
    tokens.hold.clear()
    asking = [asyncio.create_task(ours.get(login, seconds=10)) for _ in range(5)]
    await eventually(lambda: tokens.asked)
    asking[0].cancel()  # Whoever asks for the others is cancelled: one of them asks anew.
    await asyncio.gather(asking[0], return_exceptions=True)
    tokens.hold.set()
    got = await asyncio.gather(*asking[1:])
    assert len({token.value.get_secret_value() for token in got}) == 1
    assert len(tokens.asked) == 2


async def test_a_token_is_renewed_shortly_before_its_end(tokens: TokenServer) -> None:
    ours, login = Tokens(), OAuth.model_validate(microsoft(tokens))
    tokens.lasts = 0
    first = await ours.get(login, seconds=10)
    assert not first.is_fresh
    tokens.lasts = 3600
    second = await ours.get(login, seconds=10)
    assert await ours.get(login, seconds=10) is second
    assert len(tokens.asked) == 2


async def test_a_refresh_token_that_is_replaced_is_used_from_then_on(tokens: TokenServer) -> None:
    ours, login = Tokens(), OAuth.model_validate(refreshing(tokens))
    tokens.rotates = True
    for _ in range(3):
        ours.forget(login, await ours.get(login, seconds=10))
    assert len({form["refresh_token"] for form in tokens.asked}) == 3


async def test_a_token_that_ends_in_a_kept_session_is_renewed_once(
    server: TokenSmtpServer, tokens: TokenServer, tmp_path: Path
) -> None:
    channel = channel_by(microsoft(tokens), server.port)
    await channel.deliver(a_parcel(tmp_path))
    tokens.revoke()
    await channel.deliver(a_parcel(tmp_path, 1))
    assert (len(server.mails), len(tokens.asked), server.connections) == (2, 2, 2)


async def test_a_token_that_is_refused_at_the_login_is_renewed_once(
    server: TokenSmtpServer, tokens: TokenServer, tmp_path: Path
) -> None:
    login = microsoft(tokens)
    await channel_by(login, server.port).deliver(a_parcel(tmp_path))
    tokens.revoke()
    # A domain of its own is greeted with another name, so a new session opens, with the token that is known.
    await channel_by(login, server.port, from_address="r@other.example", username=MAILBOX).deliver(
        a_parcel(tmp_path, 1)
    )
    assert (len(server.mails), len(tokens.asked)) == (2, 2)
    assert server.logins == ["XOAUTH2"] * 3
    assert server.challenges == [b"\r\n"]


async def test_a_new_token_that_is_refused_is_no_reason_to_ask_for_more(
    server: TokenSmtpServer, tokens: TokenServer, tmp_path: Path
) -> None:
    channel = channel_by(microsoft(tokens), server.port, username="other@example.com")
    with pytest.raises(ConfigurationError) as caught:
        await channel.deliver(a_parcel(tmp_path))
    assert "535 5.7.3" in caught.value.message
    assert "other@example.com" in caught.value.remedy
    assert (len(tokens.asked), len(server.logins)) == (1, 1)


async def test_dovecot_takes_a_new_token_for_an_old_one(
    submission: tuple[Dovecot, TokenServer, int], tmp_path: Path
) -> None:
    dovecot, tokens, relay = submission
    settings = {"smtp_type": "STARTTLS", "ca_certificates": dovecot.pem, "allow_plain": False}
    channel = channel_by(microsoft(tokens), dovecot.port, **settings)
    with smtp_sink(port=relay) as sink:
        steps = Steps()
        told = await channel.check(steps)
        assert [step.name.value for step in steps.done] == ["resolve", "connect", "encrypt", "login", "answer"]
        assert all(step.ok and step.message and not step.remedy for step in steps.done)
        assert "TLSv1" in told
        assert "TLSv1" in steps.done[2].message
        assert "mailroom test" in steps.done[2].message
        tokens.revoke()
        asked = len(tokens.asked)
        await channel.deliver(a_parcel(tmp_path))
        assert len(tokens.asked) == asked + 1
        assert len(sink.mails()) == 1


FAULTS = [
    ((400, {"error": "invalid_grant", "error_description": "AADSTS70008: expired"}), ConfigurationError, "AADSTS70008"),
    ((401, {"error": "invalid_client"}), ConfigurationError, "invalid_client"),
    ((503, {}), RetryLater, "503"),
    ((400, {"error": "temporarily_unavailable"}), RetryLater, "temporarily"),
    ((200, {"access_token": ""}), ConfigurationError, "no token"),
    ((200, {"access_token": "a\r\nb"}), ConfigurationError, "no token"),
]


@pytest.mark.parametrize(("answer", "outcome", "told"), FAULTS)
@pytest.mark.parametrize("login", LOGINS)
async def test_no_token_is_a_clear_error_without_a_secret(
    login: Any,
    answer: tuple[int, dict[str, Any]],
    outcome: type[MailroomError],
    told: str,
    server: TokenSmtpServer,
    tokens: TokenServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    tokens.fails = (answer[0], answer[1] | {"echo": f"{CLIENT_SECRET} {REFRESH_TOKEN}"})
    with pytest.raises(outcome, match=told) as caught:
        await channel_by(login(tokens), server.port).deliver(a_parcel(tmp_path))
    everything = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert "canary" not in everything
    assert "PRIVATE KEY" not in everything
    assert server.mails == []


async def test_a_wrong_secret_fails_the_step_of_the_login(server: TokenSmtpServer, tokens: TokenServer) -> None:
    steps = Steps()
    with pytest.raises(ConfigurationError):
        await channel_by(microsoft(tokens, client_secret="canary-wrong"), server.port).check(steps)
    assert [(step.name, step.ok) for step in steps.done] == [
        (StepName.RESOLVE, True),
        (StepName.CONNECT, True),
        (StepName.LOGIN, False),
    ]
    assert "client_secret" in steps.done[-1].remedy
    assert "canary" not in str(steps.done)


async def test_a_server_without_xoauth2_is_said_so(start_smtp: Any, tokens: TokenServer, tmp_path: Path) -> None:
    async with start_smtp(auth=True) as plain:
        with pytest.raises(ConfigurationError, match="XOAUTH2"):
            await channel_by(microsoft(tokens), plain.port).deliver(a_parcel(tmp_path))


async def test_basic_logins_that_are_switched_off_say_what_to_do(
    server: TokenSmtpServer, tokens: TokenServer, tmp_path: Path
) -> None:
    server.refusal = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant"
    tokens.good.clear()
    with pytest.raises(ConfigurationError) as caught:
        await channel_by(microsoft(tokens), server.port, username="x@example.com").deliver(a_parcel(tmp_path))
    assert "Set-CASMailbox" in caught.value.remedy


async def test_tokens_are_only_asked_for_where_the_guard_lets_through(
    start_smtp: Any, tokens: TokenServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = Tokens()
    monkeypatch.setenv(outbound.VARIABLE, "")
    for login in LOGINS:
        with pytest.raises(ConfigurationError):
            await ours.get(OAuth.model_validate(login(tokens)), seconds=5)
    assert tokens.asked == []


def test_a_key_file_that_is_none_is_refused_without_being_shown(tokens: TokenServer) -> None:
    broken = json.dumps({"client_email": "canary-key"})
    with pytest.raises(ValueError, match="service_account_key") as caught:
        OAuth.model_validate(google(tokens) | {"service_account_key": broken})
    assert "canary" not in str(caught.value)


async def test_a_private_key_that_is_none_is_refused_without_being_shown(tokens: TokenServer) -> None:
    broken = json.dumps(json.loads(tokens.google_key()) | {"private_key": "canary-key"})
    login = OAuth.model_validate(google(tokens) | {"service_account_key": broken})
    with pytest.raises(ConfigurationError) as caught:
        await Tokens().get(login, seconds=5)
    assert "canary" not in "".join(traceback.format_exception(caught.value))
