"""What the folder channel leaves: whole files, nothing of the dead, nothing taken from the living."""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from prefect_mailroom.channels.base import IfExists, Parcel, ParcelFile
from prefect_mailroom.channels.folder import FolderChannel, FolderDestination
from prefect_mailroom.channels.folder.part_file import PartFile
from prefect_mailroom.errors import RetryLater
from tests.support.file_calls import recorded

CONTENT = os.urandom(3_000_000)
HALF_WRITTEN = """
import os, sys, time
from prefect_mailroom.channels.folder.part_file import PartFile

part = PartFile(os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECTORY), "key-1", "f.csv")
os.write(part.descriptor, b"half")
print(part.name, flush=True)
time.sleep(600)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def _parcel(folder: Path, path: str = "f.csv", if_exists: IfExists = "overwrite") -> Parcel:
    source = folder / "artifact"
    source.write_bytes(CONTENT)
    file = ParcelFile(source, "f.csv", "text/csv", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    destination = FolderDestination(connection="out", path=path, if_exists=if_exists)
    return Parcel("key-1", 1, destination.recipients()[0], destination, (file,))


@pytest.mark.parametrize("mode", ["overwrite", "timestamp", "fail"])
async def test_content_is_synced_before_its_name_and_its_name_before_the_receipt(
    root: Path, tmp_path: Path, mode: IfExists
) -> None:
    parcel = _parcel(tmp_path, "a/b/f.csv", mode)
    with recorded() as calls:
        await FolderChannel(root=str(root)).deliver(parcel)
    calls.assert_durable(root / "a/b/f.csv")
    calls.assert_folders_durable(root / "a", root / "a/b")


async def test_a_file_that_is_there_is_synced_before_it_is_confirmed(root: Path, tmp_path: Path) -> None:
    """The attempt that wrote it may have died between its rename and the sync of the folder."""
    (root / "f.csv").write_bytes(CONTENT)
    with recorded() as calls:
        receipt = await FolderChannel(root=str(root)).deliver(_parcel(tmp_path))
    assert receipt.detail["files"][0]["was_there"] is True
    assert [one[1] for one in calls.synced] == [(root / "f.csv").stat().st_ino, root.stat().st_ino]


async def test_what_a_killed_attempt_left_goes_with_the_next_one_and_a_living_one_keeps_its_file(
    root: Path, tmp_path: Path
) -> None:
    def begin() -> tuple[subprocess.Popen[str], Path]:
        command = [sys.executable, "-c", HALF_WRITTEN, str(root)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        return process, root / process.stdout.readline().strip()

    first, left = begin()
    second, held = begin()
    try:
        assert left != held
        first.send_signal(signal.SIGKILL)
        first.wait(60)
        assert left.exists()
        await FolderChannel(root=str(root)).deliver(_parcel(tmp_path))
        assert (root / "f.csv").read_bytes() == CONTENT
        assert not left.exists()
        assert held.read_bytes() == b"half"
    finally:
        for process in (first, second):
            process.kill()
            process.communicate()


def test_an_attempt_that_finishes_leaves_the_next_owner_of_its_temporary_name_alone(root: Path) -> None:
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    first = PartFile(folder, "key-1", "f.csv")
    first.rename_to("f.csv", replace=True)
    second = PartFile(folder, "key-1", "f.csv")
    assert second.name == first.name
    first.close()
    second.rename_to("f.csv", replace=True)
    second.close()
    os.close(folder)
    assert [path.name for path in root.iterdir()] == ["f.csv"]


def test_a_temporary_file_that_somebody_removed_is_tried_again_later(root: Path) -> None:
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    part = PartFile(folder, "key-1", "f.csv")
    (root / part.name).unlink()
    with pytest.raises(RetryLater):
        part.rename_to("f.csv", replace=True)
    part.close()
    os.close(folder)
    assert list(root.iterdir()) == []


def test_two_attempts_that_begin_in_one_moment_never_share_a_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between making the file and locking it, another attempt takes it for a dead one's."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    rivals: list[PartFile] = []
    lock = fcntl.flock

    def slow_lock(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        rivals.append(PartFile(folder, "key-1", "f.csv"))
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", slow_lock)
    part = PartFile(folder, "key-1", "f.csv")
    assert not os.path.samestat(os.fstat(part.descriptor), os.fstat(rivals[0].descriptor))
    for one in (part, *rivals):
        os.write(one.descriptor, CONTENT)
        one.rename_to("f.csv", replace=True)
        assert (root / "f.csv").read_bytes() == CONTENT
        one.close()
    os.close(folder)
    assert [path.name for path in root.iterdir()] == ["f.csv"]


async def test_without_locks_only_what_is_old_counts_as_dead(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(_descriptor: int, _operation: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    parts = [PartFile(folder, "key-1", "f.csv") for _ in range(2)]
    assert parts[0].name != parts[1].name
    os.utime(root / parts[0].name, (0, 0))
    third = PartFile(folder, "key-1", "f.csv")
    assert third.name == parts[0].name
    third.close()
    assert [path.name for path in root.iterdir()] == [parts[1].name]
    for part in parts:
        part.close()
    os.close(folder)
