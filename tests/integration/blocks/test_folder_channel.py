from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from prefect_mailroom.channels.base import Parcel, ParcelFile
from prefect_mailroom.channels.folder import FolderChannel, FolderDestination
from prefect_mailroom.channels.steps import Steps
from prefect_mailroom.errors import ConfigurationError, OutcomeUnknown, Refused, RetryLater

DUE = datetime(2026, 2, 9, 9, 0, tzinfo=UTC)


def a_parcel(folder: Path, content: bytes = b"new", *names: str, **settings: Any) -> Parcel:
    files = []
    for name in names or ("report.pdf",):
        path = folder / f"artifact-{name}"
        path.write_bytes(content)
        files.append(ParcelFile(path, name, "x/y", len(content), hashlib.sha256(content).hexdigest()))
    destination = FolderDestination(connection="out", **settings)
    variables: dict[str, Any] = {"report_slug": "sales", "report_name": "Sales", "date": DUE.date(), "due": DUE}
    return Parcel("key-1", 1, destination.recipients()[0], destination, tuple(files), variables=variables)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def channel(root: Path) -> FolderChannel:
    return FolderChannel(root=str(root))


def files_below(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


async def test_default_path_and_receipt(channel: FolderChannel, root: Path, tmp_path: Path) -> None:
    receipt = await channel.deliver(a_parcel(tmp_path, b"new", "s.pdf", "s.xlsx"))
    assert files_below(root) == {"sales/2026-02-09/sales.pdf": b"new", "sales/2026-02-09/sales.xlsx": b"new"}
    first = receipt.detail["files"][0]
    assert first == {
        "path": str(root / "sales/2026-02-09/sales.pdf"),
        "bytes": 3,
        "sha256": hashlib.sha256(b"new").hexdigest(),
        "was_there": False,
    }
    assert receipt.reference == first["path"]


async def test_overwrite(channel: FolderChannel, root: Path, tmp_path: Path) -> None:
    (root / "a.pdf").write_bytes(b"old")
    await channel.deliver(a_parcel(tmp_path, path="a.{ext}"))
    assert files_below(root) == {"a.pdf": b"new"}


async def test_fail_leaves_what_is_there(channel: FolderChannel, root: Path, tmp_path: Path) -> None:
    (root / "a.pdf").write_bytes(b"old")
    with pytest.raises(Refused, match="other content"):
        await channel.deliver(a_parcel(tmp_path, path="a.{ext}", if_exists="fail"))
    assert files_below(root) == {"a.pdf": b"old"}


async def test_timestamp_keeps_both_and_repeats_to_the_same_name(
    channel: FolderChannel, root: Path, tmp_path: Path
) -> None:
    (root / "a.pdf").write_bytes(b"old")
    parcel = a_parcel(tmp_path, path="a.{ext}", if_exists="timestamp")
    await channel.deliver(parcel)
    again = await channel.deliver(replace(parcel, attempt=2))
    assert files_below(root) == {"a.pdf": b"old", "a-20260209T090000.pdf": b"new"}
    assert again.detail["files"][0]["was_there"] is True
    await channel.deliver(a_parcel(tmp_path, b"newer", path="a.{ext}", if_exists="timestamp"))
    assert files_below(root)["a-20260209T090000-2.pdf"] == b"newer"


@pytest.mark.parametrize("mode", ["overwrite", "timestamp", "fail"])
async def test_same_content_counts_as_delivered(channel: FolderChannel, root: Path, tmp_path: Path, mode: str) -> None:
    (root / "a.pdf").write_bytes(b"new")
    before = (root / "a.pdf").stat()
    receipt = await channel.deliver(a_parcel(tmp_path, path="a.{ext}", if_exists=mode))
    assert receipt.detail["files"][0]["was_there"] is True
    assert (root / "a.pdf").stat().st_ino == before.st_ino


async def test_two_files_on_one_path_are_refused(channel: FolderChannel, root: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="both"):
        await channel.deliver(a_parcel(tmp_path, b"x", "a.pdf", "b.csv", path="same"))
    assert files_below(root) == {}


@pytest.mark.parametrize("target", ["folder", "file", "dangling"])
async def test_security_14_links_lead_nowhere(channel: FolderChannel, root: Path, tmp_path: Path, target: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim").write_bytes(b"precious")
    if target == "folder":
        (root / "sub").symlink_to(outside)
        with pytest.raises(ConfigurationError, match="symbolic link"):
            await channel.deliver(a_parcel(tmp_path, path="sub/victim"))
    else:
        (root / "sub").mkdir()
        (root / "sub" / "victim").symlink_to(outside / ("victim" if target == "file" else "new"))
        await channel.deliver(a_parcel(tmp_path, path="sub/victim"))
        assert not (root / "sub" / "victim").is_symlink()
        assert (root / "sub" / "victim").read_bytes() == b"new"
    assert files_below(outside) == {"victim": b"precious"}


async def test_link_to_the_same_content_is_no_delivery(channel: FolderChannel, root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"new")
    (root / "a.pdf").symlink_to(tmp_path / "elsewhere")
    receipt = await channel.deliver(a_parcel(tmp_path, path="a.{ext}"))
    assert receipt.detail["files"][0]["was_there"] is False
    assert not (root / "a.pdf").is_symlink()


async def test_security_14_report_names_make_no_folders(channel: FolderChannel, root: Path, tmp_path: Path) -> None:
    parcel = replace(
        a_parcel(tmp_path, path="{report_name}/x.{ext}"),
        variables={"report_name": "../../outside", "date": DUE.date(), "due": DUE},
    )
    await channel.deliver(parcel)
    assert files_below(root) == {"..-..-outside/x.pdf": b"new"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifact-report.pdf", "root"]


async def test_changed_artifact_is_refused(channel: FolderChannel, root: Path, tmp_path: Path) -> None:
    parcel = a_parcel(tmp_path)
    parcel.files[0].path.write_bytes(b"other")
    with pytest.raises(Refused, match="checksum"):
        await channel.deliver(parcel)
    assert files_below(root) == {}


async def test_leftover_of_a_dead_attempt_is_replaced(channel: FolderChannel, root: Path, tmp_path: Path) -> None:
    name = hashlib.sha256(b"key-1/a.pdf").hexdigest()[:24]
    (root / f".mailroom-{name}.part").write_bytes(b"half")
    await channel.deliver(a_parcel(tmp_path, path="a.{ext}"))
    assert files_below(root) == {"a.pdf": b"new"}


@pytest.mark.xdist_group("small disk")
async def test_full_disk_is_later_and_leaves_nothing(small_disk: Path, tmp_path: Path) -> None:
    with pytest.raises(RetryLater, match="No space is left"):
        await FolderChannel(root=str(small_disk)).deliver(a_parcel(tmp_path, b"x" * 5_000_000, path="a.{ext}"))
    assert files_below(small_disk) == {}


async def test_root_that_is_missing_or_a_file(tmp_path: Path, root: Path) -> None:
    (root / "file").write_bytes(b"")
    for wrong in (root / "missing", root / "file"):
        channel = FolderChannel(root=str(wrong))
        with pytest.raises(ConfigurationError, match="cannot be written"):
            await channel.check(Steps())
        with pytest.raises(ConfigurationError, match="cannot be written"):
            await channel.deliver(a_parcel(tmp_path))


async def test_missing_artifact_is_no_success(channel: FolderChannel, tmp_path: Path) -> None:
    parcel = a_parcel(tmp_path)
    parcel.files[0].path.unlink()
    with pytest.raises((ConfigurationError, RetryLater, OutcomeUnknown)):
        await channel.deliver(parcel)


async def test_no_descriptor_is_left_open(channel: FolderChannel, tmp_path: Path) -> None:
    await channel.deliver(a_parcel(tmp_path))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(20):
        await channel.deliver(a_parcel(tmp_path, str(number).encode()))
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 2
