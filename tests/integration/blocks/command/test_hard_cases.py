"""The command channel where it is hard: hostile names, limits, time, cancelling, secrets, and who may start what."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from prefect_mailroom.channels.base import Parcel, Receipt
from prefect_mailroom.channels.command.allowed import VARIABLE
from prefect_mailroom.channels.command.channel import CommandChannel
from prefect_mailroom.channels.command.destination import CommandDestination
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError, MailroomError, OutcomeUnknown, Refused, RetryLater
from tests.integration.blocks.command.programs import written
from tests.support.parcels import a_parcel
from tests.support.processes import gone
from tests.support.waiting import eventually

SECRET = "canary-7be2/key"
Make = Callable[..., CommandChannel]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Make a channel to a new program, in sh unless its source says otherwise; `$OUT` is the folder of the test."""

    def channel(source: str, **settings: Any) -> CommandChannel:
        program = written(tmp_path, "program", source if source.startswith("#!") else f"#!/bin/sh\n{source}\n")
        monkeypatch.setenv(VARIABLE, str(program))
        return CommandChannel(program=str(program), environment={"OUT": str(tmp_path), "TOKEN": SECRET}, **settings)

    return channel


def parcel(folder: Path, files: Mapping[str, bytes] | None = None, **changes: Any) -> Parcel:
    return a_parcel(folder, CommandDestination(connection="test"), files or {"report.csv": b"1"}, **changes)


async def failure(channel: CommandChannel, what: Parcel) -> MailroomError:
    with pytest.raises(MailroomError) as caught:
        await channel.deliver(what)
    assert SECRET not in f"{caught.value} {caught.value.remedy}"
    return caught.value


EVIL = ["-rf", "$(touch evil).csv", "a`touch evil`.csv", "it's; touch evil #.csv", "a\ntouch evil\n.csv", '"*?".csv']


@pytest.mark.parametrize("name", EVIL)
async def test_security_15_names_do_nothing_but_name(make: Make, tmp_path: Path, name: str) -> None:
    channel = make(
        'printf "%s\\n" "$#" "$@" > "$OUT/args"; cat -- "$2" > "$OUT/got"', arguments=["--to={report_name}", "{files}"]
    )
    await channel.deliver(parcel(tmp_path, {name: b"content"}, variables={"report_name": name}))
    count, first, file, *more = (tmp_path / "args").read_text().splitlines()
    assert (count, more) == ("2", [])
    assert first.startswith("--to=")
    assert Path(file).is_absolute()
    assert (tmp_path / "got").read_bytes() == b"content"
    assert not list(tmp_path.rglob("evil"))
    assert not Path(file).exists(), "its copies are gone"


async def test_security_15_no_value_becomes_an_option(make: Make, tmp_path: Path) -> None:
    channel = make('touch "$OUT/ran"', arguments=["{report_name}", "{file}"])
    assert type(await failure(channel, parcel(tmp_path, variables={"report_name": "--delete"}))) is Refused
    assert not (tmp_path / "ran").exists()


async def test_arguments_are_repeated_for_each_file(make: Make, tmp_path: Path) -> None:
    channel = make(
        'printf "%s\\n" "$@" > "$OUT/args"', arguments=["-n", "--as={file_name}", "--file={file}", "{date:%Y}"]
    )
    due = parcel(tmp_path).variables
    await channel.deliver(parcel(tmp_path, {"a.csv": b"1", "b.pdf": b"2"}, variables=due))
    first, *names, one, two, year = (tmp_path / "args").read_text().splitlines()
    assert (first, names, year) == ("-n", ["--as=a.csv", "--as=b.pdf"], "2026")
    assert (Path(one).name, Path(two).name) == ("a.csv", "b.pdf")


async def test_it_can_change_nothing_of_ours(make: Make, tmp_path: Path) -> None:
    what = parcel(tmp_path)
    await make('for file in "$@"; do echo more >> "$file"; done').deliver(what)
    assert what.files[0].path.read_bytes() == b"1"


async def test_what_it_is_told(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = make('env > "$OUT/env"; pwd >> "$OUT/env"; stat -c %a . >> "$OUT/env"')
    monkeypatch.setenv("PREFECT_API_KEY", "the-workers-key")
    await channel.deliver(parcel(tmp_path, key="execution:0", attempt=3, is_test=True))
    told = (tmp_path / "env").read_text().splitlines()
    assert {"MAILROOM_DELIVERY_KEY=execution:0", "MAILROOM_ATTEMPT=3", "MAILROOM_TEST=1", f"TOKEN={SECRET}"} <= set(
        told
    )
    assert "the-workers-key" not in "".join(told)
    assert told[-1] == "700"
    assert not Path(told[-2]).exists(), "its folder was private, and is gone"


@pytest.mark.parametrize(
    ("code", "outcome"), [(1, Refused), (75, RetryLater), (9, RetryLater), (76, Refused), (255, Refused)]
)
async def test_each_exit_code_has_its_outcome(
    make: Make, tmp_path: Path, code: int, outcome: type[MailroomError]
) -> None:
    channel = make(f'echo "said $TOKEN" >&2; exit {code}', retry_exit_codes=[75, 9])
    error = await failure(channel, parcel(tmp_path))
    assert type(error) is outcome
    assert "said ********" in error.remedy


async def test_who_is_killed_may_have_delivered(make: Make, tmp_path: Path) -> None:
    assert type(await failure(make("kill -9 $$"), parcel(tmp_path))) is OutcomeUnknown


async def test_time_up_ends_the_whole_family_and_keeps_its_words(make: Make, tmp_path: Path) -> None:
    channel = make(
        'trap "" TERM; (trap "" TERM; sleep 300) & echo $! > "$OUT/pid"; echo "so far $TOKEN"; wait', timeout_seconds=2
    )
    error = await failure(channel, parcel(tmp_path))
    assert type(error) is OutcomeUnknown
    assert "so far ********" in error.remedy
    await gone(int((tmp_path / "pid").read_text()))


async def test_cancelling_ends_the_whole_family(make: Make, tmp_path: Path) -> None:
    channel, pid = make('sleep 300 & echo $! > "$OUT/new"; mv "$OUT/new" "$OUT/pid"; wait'), tmp_path / "pid"
    task = asyncio.create_task(channel.deliver(parcel(tmp_path)))
    await eventually(pid.exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(int(pid.read_text()))


async def test_a_slow_program_is_waited_for(make: Make, tmp_path: Path) -> None:
    receipt: Receipt = await make("sleep 0.3; echo done", timeout_seconds=20).deliver(parcel(tmp_path))
    assert receipt.detail["output"] == "done"


@pytest.mark.parametrize(
    ("script", "settings"),
    [
        ('head -c 3000000 /dev/zero > "$OUT/big"', {"max_file_mb": 1}),
        ("head -c 3000000 /dev/zero", {"max_file_mb": 1}),
        ("while true; do :; done", {"max_cpu_seconds": 1, "timeout_seconds": 60}),
        (f"exec {sys.executable} -c 'x = bytearray(500_000_000)'", {"max_memory_mb": 400}),
    ],
    ids=["file", "output", "cpu", "memory"],
)
async def test_security_20_a_program_has_limits(
    make: Make, tmp_path: Path, script: str, settings: dict[str, Any]
) -> None:
    await failure(make(script, **settings), parcel(tmp_path))
    assert not (tmp_path / "big").exists() or (tmp_path / "big").stat().st_size <= 1024 * 1024


async def test_empty_and_large_files_arrive(make: Make, tmp_path: Path) -> None:
    large = os.urandom(1024) * 20_000
    await make('for file in "$@"; do sha256sum < "$file"; done > "$OUT/sums"').deliver(
        what := parcel(tmp_path, {"empty.csv": b"", "large.bin": large, "東京 & März.csv": b"x"})
    )
    sums = [line.split()[0] for line in (tmp_path / "sums").read_text().splitlines()]
    assert sums == [file.sha256 for file in what.files]


async def test_a_changed_artifact_is_refused(make: Make, tmp_path: Path) -> None:
    channel, what = make('touch "$OUT/ran"'), parcel(tmp_path)
    what.files[0].path.write_bytes(b"other")
    assert type(await failure(channel, what)) is Refused
    assert not (tmp_path / "ran").exists()


async def test_security_the_operator_allows_programs_one_by_one(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = make('touch "$OUT/ran"')
    for allowed in (None, "", "/bin/true", f"{channel.program}.sh", str(tmp_path)):
        monkeypatch.delenv(VARIABLE) if allowed is None else monkeypatch.setenv(VARIABLE, allowed)
        for asked in (channel.deliver(parcel(tmp_path)), channel.screen(), channel.check(Steps())):
            with pytest.raises(ConfigurationError):
                await asked
    monkeypatch.setenv(VARIABLE, f"/bin/true, {channel.program}")
    await channel.screen()
    steps = Steps()
    assert await channel.check(steps)
    assert [step.name for step in steps.done] == [StepName.ANSWER]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "settings",
    [
        {"program": "sh"},
        {"program": "../sh"},
        {"program": "/bin/sh\n"},
        {"arguments": ["{no_such}"]},
        {"arguments": ["--all={files}"]},
        {"arguments": ["{file.__class__}"]},
        {"arguments": ["a\0b"]},
        {"retry_exit_codes": [0]},
        {"environment": {"A-B": "x"}},
        {"environment": {"MAILROOM_ATTEMPT": "x"}},
        {"environment": {"A": "x\0"}},
        {"environment": {"A": 1}},
        {"environment": ["canary-value"]},
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, ConfigurationError)) as caught:
        CommandChannel(**{"program": "/bin/true", **settings})
    assert "canary-value" not in str(caught.value)


@pytest.mark.parametrize(
    "said", ['{"id": true}', '{"id": "a b"}', '{"id": "' + "x" * 201 + '"}', "[1]", "[" * 3000, "{"]
)
async def test_what_is_no_id_is_none(make: Make, tmp_path: Path, said: str) -> None:
    channel = make(f"cat <<'EOF'\n{said}\nEOF")
    receipt = await channel.deliver(parcel(tmp_path, key="k"))
    assert receipt.reference == "k"
