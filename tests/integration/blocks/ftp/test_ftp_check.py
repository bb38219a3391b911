"""A check tells step by step how far it came, and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from prefect_mailroom.channels.ftp.plain import VARIABLE
from prefect_mailroom.channels.ftp.server import Security
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError, MailroomError, RetryLater
from tests.support.ftp.daemons import FtpServer
from tests.support.ftp.scripted import ScriptedServer, say

ALL = [
    StepName.RESOLVE,
    StepName.CONNECT,
    StepName.ENCRYPT,
    StepName.LOGIN,
    StepName.WRITE,
    StepName.READ_BACK,
    StepName.DELETE,
]


@pytest.mark.parametrize("name", ["vsftpd", "proftpd"])
async def test_all_steps_of_a_server_that_works(
    name: str, request: pytest.FixtureRequest, channel_to: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server: FtpServer = request.getfixturevalue(name)
    before = set(server.root.iterdir())
    steps = Steps()
    told = await channel_to(server).check(steps)
    assert [step.name for step in steps.done] == ALL
    assert all(step.ok and step.message for step in steps.done)
    encryption = steps.done[2].message
    assert "TLSv1.3" in encryption
    assert "mailroom test" in encryption
    assert "1 days" in encryption
    assert "resumes the TLS session" in told
    assert set(server.root.iterdir()) == before


async def test_plain_ftp_has_nothing_to_encrypt(
    plain_pyftpd: ScriptedServer, channel_to: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "127.0.0.1")
    steps = Steps()
    assert "not encrypted" in await channel_to(plain_pyftpd).check(steps)
    assert [step.name for step in steps.done] == [name for name in ALL if name is not StepName.ENCRYPT]


@pytest.mark.parametrize(
    ("settings", "on", "last", "field"),
    [
        ({"ca_certificates": ""}, {}, StepName.ENCRYPT, "security"),
        ({"ca_certificates": "no certificate"}, {}, StepName.CONNECT, "ca_certificates"),
        ({"security": Security.IMPLICIT}, {}, StepName.ENCRYPT, "security"),
        ({"password": "wrong"}, {}, StepName.LOGIN, "password"),
        ({"folder": "missing"}, {}, StepName.LOGIN, "folder"),
        ({}, {"STOR": "550 Permission denied."}, StepName.WRITE, "path"),
        ({}, {"DELE": "550 Permission denied."}, StepName.DELETE, "path"),
    ],
)
async def test_the_step_that_fails_is_the_last(
    pyftpd: ScriptedServer, channel_to: Any, settings: Any, on: dict[str, str], last: StepName, field: str
) -> None:
    pyftpd.on = {command: say(answer) for command, answer in on.items()}
    steps = Steps()
    with pytest.raises(ConfigurationError) as caught:
        await channel_to(pyftpd, **settings).check(steps)
    assert caught.value.field == field
    assert [step.name for step in steps.done] == ALL[: ALL.index(last) + 1]
    assert [step.ok for step in steps.done][-2:] == [True, False]
    assert steps.done[-1].remedy


async def test_explicit_to_a_server_that_waits_for_tls(proftpd: FtpServer, channel_to: Any) -> None:
    steps = Steps()
    with pytest.raises(RetryLater) as caught:
        await channel_to(proftpd, security=Security.EXPLICIT, timeout_seconds=1).check(steps)
    assert "implicit" in caught.value.remedy
    assert steps.done[-1].name is StepName.CONNECT


async def test_nobody_answers(vsftpd: FtpServer, channel_to: Any, closed_port: int) -> None:
    steps = Steps()
    with pytest.raises(MailroomError):
        await channel_to(vsftpd, port=closed_port).check(steps)
    assert [step.name for step in steps.done] == ALL[:2]
