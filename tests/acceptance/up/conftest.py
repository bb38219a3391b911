"""One system for all files of this folder, in their order: starting one takes 20 s of CPU time.

Commands first, on a system that is new; then the main job; then what dies and is started again.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from cli.main import main
from tests.acceptance.up.running import Command, Up


@pytest.fixture(scope="package")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A system that runs; the last file of this folder ends it."""
    system = Up(tmp_path_factory.mktemp("up") / "data")
    system.start()
    try:
        yield system
    finally:
        system.kill_all()


@pytest.fixture
def mailroom(up: Up, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a `mailroom` command in this process, as its console script does: an interpreter takes a second to start."""
    for name, value in up.environment.items():
        if name.startswith("MAILROOM_"):
            monkeypatch.setenv(name, value)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["mailroom", *arguments])
        capsys.readouterr()
        try:
            main()
            status = 0
        except SystemExit as left:
            status = int(left.code or 0)
        told = capsys.readouterr()
        return subprocess.CompletedProcess(list(arguments), status, told.out, told.err)

    return run
