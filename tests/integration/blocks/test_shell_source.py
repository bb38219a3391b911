"""The shell source with real programs."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from prefect_mailroom.errors import ConfigurationError, SourceRefused
from prefect_mailroom.sources.shell import MAX_FILES, ShellSource
from tests.support.processes import gone
from tests.support.waiting import eventually

SECRET = "canary-7be2"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "out put'$(x)"
    path.mkdir()
    return path


@pytest.fixture
def source(tmp_path: Path) -> ShellSource:
    work = tmp_path / "work"
    work.mkdir()
    return ShellSource(
        working_directory=work,
        allowed_programs=["sh", sys.executable],
        environment={"API_TOKEN": SECRET, "OTHER": "ca"},
    )


async def run(
    source: ShellSource, folder: Path, *command: str, timeout_seconds: float = 30, **parameters: Any
) -> list[Path]:
    return await source.run(
        command=list(command), parameters=parameters, folder=folder, timeout_seconds=timeout_seconds
    )


async def test_the_files_it_leaves_are_the_artifacts(source: ShellSource, folder: Path) -> None:
    program = "import os, pathlib; o = pathlib.Path(os.environ['MAILROOM_OUTPUT']); "
    program += "(o / 'b.csv').write_text('x'); (o / 'a.pdf').write_bytes(b'\\xff\\x00')"
    files = await run(source, folder, sys.executable, "-c", program)
    assert files == [folder / "a.pdf", folder / "b.csv"]
    assert files[0].read_bytes() == b"\xff\x00"


async def test_parameters_and_variables_arrive_and_nothing_is_expanded(source: ShellSource, folder: Path) -> None:
    script = 'printf "%s\\n" "$MAILROOM_PARAM_REGION" "$MAILROOM_PARAM_ALL" "${MAILROOM_PARAM_NONE-unset}" "$API_TOKEN"'
    script += ' "$PWD" "$1" > "$MAILROOM_OUTPUT/said.txt"'
    evil = "$(touch /tmp/evil) `id`; 'x' \"y\" *"
    (file,) = await run(source, folder, "sh", "-c", script, "sh", evil, region=evil, all=True, none=None)
    assert file.read_text().splitlines() == [evil, "true", "unset", SECRET, str(source.working_directory), evil]


async def test_the_workers_own_keys_are_not_handed_down(
    source: ShellSource, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_KEY", "the-workers-key")
    monkeypatch.setenv("MAILROOM_API_KEY", "the-workers-key")
    (file,) = await run(source, folder, "sh", "-c", 'env > "$MAILROOM_OUTPUT/env"')
    variables = dict(line.partition("=")[::2] for line in file.read_text().splitlines())
    assert "the-workers-key" not in variables.values()
    assert variables["PATH"] == os.environ["PATH"]
    assert variables["OTHER"] == "ca"


async def test_a_failure_shows_the_last_lines_of_stderr_with_secrets_masked(source: ShellSource, folder: Path) -> None:
    script = (
        f'for i in 1 2 3 4 5 6 7 8 9 10 11; do echo "line $i" >&2; done; printf "token {SECRET} \\033[31m\\377\\n" >&2;'
    )
    script += "echo on stdout; exit 7"
    with pytest.raises(SourceRefused) as caught:
        await run(source, folder, "sh", "-c", script)
    told = str(caught.value)
    assert "exit code 7" in told
    assert "line 11" in told
    assert "token ********" in told
    assert "line 1\n" not in told
    assert SECRET not in told
    assert "\033" not in told
    assert "on stdout" not in told


async def test_no_part_of_a_secret_is_left_where_the_output_is_cut(source: ShellSource, folder: Path) -> None:
    for cut in (1, 5, len(SECRET) - 4):
        # So many times that what is masked, which is shorter, makes room for the secret that is cut.
        script = f"for i in $(seq 500); do printf {SECRET}; done >&2; printf '%{cut}s' end >&2; exit 1"
        with pytest.raises(SourceRefused) as caught:
            await run(source, folder, "sh", "-c", script)
        assert "*****" in str(caught.value)
        assert not any(SECRET[part:] in str(caught.value) for part in range(len(SECRET) - 3)), cut


async def test_secrets_are_not_logged(source: ShellSource, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        await run(source, folder, "sh", "-c", 'echo "$API_TOKEN" | tee "$MAILROOM_OUTPUT/x"; echo "$API_TOKEN" >&2')
    assert SECRET not in caplog.text
    assert SECRET not in repr(source)


async def test_time_up_ends_the_whole_family(source: ShellSource, folder: Path) -> None:
    # The child ignores SIGTERM, and so does its own child.
    script = "trap '' TERM; (trap '' TERM; sleep 300) & echo $! > pid; wait"
    started = time.monotonic()
    with pytest.raises(SourceRefused, match="longer than 3 s"):
        await run(source, folder, "sh", "-c", script, timeout_seconds=3)  # The script needs its time, too.
    assert time.monotonic() - started < 60, "it did not wait for the sleep"
    await gone(int((source.working_directory / "pid").read_text()))


async def test_cancelling_ends_the_whole_family(source: ShellSource, folder: Path) -> None:
    pid = source.working_directory / "pid"
    task = asyncio.create_task(run(source, folder, "sh", "-c", "sleep 300 & echo $! > pid.new; mv pid.new pid; wait"))
    await eventually(pid.exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(int(pid.read_text()))


async def test_what_it_leaves_running_is_ended(source: ShellSource, folder: Path) -> None:
    await run(source, folder, "sh", "-c", 'sleep 300 & echo $! > pid; echo x > "$MAILROOM_OUTPUT/x"')
    await gone(int((source.working_directory / "pid").read_text()))


async def test_much_output_that_is_not_text_does_no_harm(source: ShellSource, folder: Path) -> None:
    script = 'head -c 20000000 /dev/urandom; head -c 20000000 /dev/urandom >&2; echo x > "$MAILROOM_OUTPUT/x"'
    assert len(await run(source, folder, "sh", "-c", script)) == 1


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("true", "created no file"),
        ('ln -s /etc/passwd "$MAILROOM_OUTPUT/x"', "not a file"),
        ('mkdir "$MAILROOM_OUTPUT/x"', "not a file"),
        ('mkfifo "$MAILROOM_OUTPUT/x"', "not a file"),
        (f'cd "$MAILROOM_OUTPUT"; i=0; while [ $i -le {MAX_FILES} ]; do echo > f$i; i=$((i+1)); done', "can be sent"),
    ],
)
async def test_what_cannot_be_sent_is_refused(source: ShellSource, folder: Path, script: str, words: str) -> None:
    with pytest.raises(SourceRefused, match=words) as caught:
        await run(source, folder, "sh", "-c", script)
    assert caught.value.remedy


@pytest.mark.parametrize("program", ["bash", "/bin/sh", "../sh", "sh; id", ""])
async def test_other_programs_are_not_run(source: ShellSource, folder: Path, program: str) -> None:
    with pytest.raises(ConfigurationError, match="does not allow") as caught:
        await run(source, folder, program, "-c", 'echo x > "$MAILROOM_OUTPUT/x"')
    assert sys.executable in caught.value.remedy
    assert list(folder.iterdir()) == []


async def test_check_names_what_is_missing(source: ShellSource, tmp_path: Path) -> None:
    assert "2 programs" in await source.check()
    missing = ShellSource(working_directory=tmp_path, allowed_programs=["no-such-program"])
    with pytest.raises(ConfigurationError, match="no-such-program"):
        await missing.check()
    nowhere = ShellSource(working_directory=tmp_path / "nowhere", allowed_programs=["sh"])
    with pytest.raises(ConfigurationError, match="nowhere"):
        await nowhere.check()


@pytest.mark.parametrize("name", ["A-B", "MAILROOM_OUTPUT", "", "A=B"])
def test_variables_have_plain_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValidationError):
        ShellSource(working_directory=tmp_path, allowed_programs=["sh"], environment={name: "x"})
