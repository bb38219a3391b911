"""A check of a block: it ends in steps and words whatever happens, and no word of it is a secret."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest
from prefect.blocks.core import Block
from prefect.types import SecretDict
from pydantic import SecretStr

from mailroom.connections import checks
from mailroom.errors import CheckFailed
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError, MailroomError

CANARY = "canary-77b0-repeated"


class Parrot(Block):
    """A block whose far side says what it is told to, and repeats the password."""

    says: ClassVar[Exception | None] = None
    password: SecretStr = SecretStr("pass")
    environment: SecretDict = SecretDict({"TOKEN": CANARY})

    async def check(self, steps: Steps) -> str:
        with steps.step(StepName.CONNECT) as told:
            told.message = f"Hello {self.environment.get_secret_value()['TOKEN']}"
        if isinstance(self.says, ConfigurationError):
            with steps.step(StepName.LOGIN):
                raise self.says
        if isinstance(self.says, TimeoutError):
            await asyncio.Event().wait()
        if self.says:
            raise self.says
        return f"Goodbye {CANARY}"


def told(checked: checks.Checked) -> str:
    return str([checked.message, checked.error, checked.error and checked.error.remedy, checked.steps])


async def test_what_works_has_its_steps_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = await checks.of_block(Parrot())
    assert (checked.outcome, [step.name for step in checked.steps]) == ("ok", [StepName.CONNECT])
    assert CANARY not in told(checked)
    checked.require()


@pytest.mark.parametrize(
    ("says", "step", "outcome"),
    [
        (ConfigurationError(f"535 {CANARY} is wrong", remedy=f"Not {CANARY}."), StepName.LOGIN, "ConfigurationError"),
        (MailroomError("Between two steps."), StepName.PREPARE, "MailroomError"),
        (RuntimeError(f"https://{CANARY}@host"), StepName.PREPARE, "MailroomError"),
        (TimeoutError(), StepName.PREPARE, "Unavailable"),
    ],
)
async def test_what_fails_ends_at_a_step_that_says_so(
    says: Exception, step: StepName, outcome: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Parrot, "says", says)
    checked = await checks.of_block(Parrot(), seconds=0.05)
    assert checked.outcome == outcome
    assert [one.name for one in checked.steps if not one.ok] == [step]
    assert checked.steps[-1].name is step
    with pytest.raises(CheckFailed):
        checked.require()
    assert CANARY not in told(checked) + caplog.text
