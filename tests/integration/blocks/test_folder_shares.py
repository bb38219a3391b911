"""Folders on shares: what is stored is read back, and one that hangs holds up nothing else."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prefect_mailroom.channels.base import Grade, Parcel
from prefect_mailroom.channels.folder import FolderChannel, FolderDestination
from prefect_mailroom.channels.folder import channel as channel_module
from prefect_mailroom.channels.folder.threads import MOST_LEFT_BEHIND
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError, OutcomeUnknown, RetryLater
from tests.support.parcels import a_parcel
from tests.support.waiting import eventually


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def parcel(folder: Path, **settings: Any) -> Parcel:
    return a_parcel(folder, FolderDestination(connection="out", path="{file_name}", **settings), {"a.csv": b"content"})


def hanging(what: Parcel, pipe: Path) -> Parcel:
    """Return the parcel with a file whose reading hangs as a dead share does."""
    os.mkfifo(pipe)
    return replace(what, files=(replace(what.files[0], path=pipe),))


async def test_a_share_that_hangs_holds_up_nothing_else(root: Path, tmp_path: Path) -> None:
    dead, other = FolderChannel(root=str(root), timeout_seconds=0.1), tmp_path / "other"
    other.mkdir()
    pipe, threads = tmp_path / "pipe", threading.active_count()
    stuck = hanging(parcel(tmp_path), pipe)
    for _ in range(MOST_LEFT_BEHIND):
        with pytest.raises(OutcomeUnknown):
            await dead.deliver(stuck)
    for asked in (dead.deliver(stuck), dead.deliver(parcel(tmp_path)), dead.check(Steps())):
        with pytest.raises(RetryLater):
            await asked
    assert threading.active_count() <= threads + MOST_LEFT_BEHIND, "Nothing more was begun."
    # Other shares, and the threads that everything else uses, are free.
    assert (await FolderChannel(root=str(other)).deliver(parcel(tmp_path))).grade is Grade.STORED
    assert await asyncio.wait_for(asyncio.to_thread(lambda: "free"), 20) == "free"

    writer = await asyncio.to_thread(os.open, pipe, os.O_WRONLY)  # The share answers again.
    os.close(writer)

    async def back() -> bool | None:
        try:
            return bool(await FolderChannel(root=str(root)).deliver(parcel(tmp_path)))
        except RetryLater:
            return None

    await eventually(back)
    assert (root / "a.csv").read_bytes() == b"content"


async def test_threads_that_end_in_time_are_not_counted(root: Path, tmp_path: Path) -> None:
    channel = FolderChannel(root=str(root))
    for _ in range(2 * MOST_LEFT_BEHIND):
        await channel.deliver(parcel(tmp_path))


async def test_what_reads_differently_is_no_success(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(descriptor: int) -> None:
        """Change the file where it lies, as a bad disk does."""
        os.pwrite(descriptor, b"X", 0)

    monkeypatch.setattr(channel_module, "forget", torn)
    with pytest.raises(RetryLater):
        await FolderChannel(root=str(root)).deliver(parcel(tmp_path))
    assert list(root.iterdir()) == []


async def test_stored_is_the_grade_of_what_is_there(root: Path, tmp_path: Path) -> None:
    channel = FolderChannel(root=str(root))
    assert (await channel.deliver(parcel(tmp_path))).grade is Grade.STORED
    assert (await channel.deliver(parcel(tmp_path))).grade is Grade.STORED
    assert (await channel.deliver(replace(parcel(tmp_path), files=()))).grade is Grade.ACCEPTED


async def test_check_goes_step_by_step(root: Path) -> None:
    steps = Steps()
    assert "free" in await FolderChannel(root=str(root)).check(steps)
    assert [step.name for step in steps.done] == [StepName.WRITE, StepName.READ_BACK, StepName.DELETE]
    assert all(step.ok and step.message for step in steps.done)
    assert list(root.iterdir()) == []
    steps = Steps()
    with pytest.raises(ConfigurationError):
        await FolderChannel(root=str(root / "missing")).check(steps)
    assert [(step.name, step.ok) for step in steps.done] == [(StepName.WRITE, False)]


@pytest.mark.parametrize("mode", ["fail", "timestamp"])
async def test_a_file_system_without_hard_links_is_told(
    root: Path, tmp_path: Path, mode: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAT and some shares answer so; no such file system can be mounted here by everybody."""

    def link(*_arguments: Any, **_options: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(ConfigurationError) as caught:
        await FolderChannel(root=str(root)).deliver(parcel(tmp_path, if_exists=mode))
    assert caught.value.field == "if_exists"
    assert list(root.iterdir()) == []
    await FolderChannel(root=str(root)).deliver(parcel(tmp_path, if_exists="overwrite"))
