"""Files get to their places, also when the connection is lost on the way."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from prefect_mailroom.channels.base import Grade, Parcel
from prefect_mailroom.channels.files import names as file_names
from prefect_mailroom.channels.remote import names
from prefect_mailroom.channels.remote.sessions import KEPT
from prefect_mailroom.channels.sftp.channel import SftpChannel
from prefect_mailroom.channels.sftp.destination import SftpDestination
from prefect_mailroom.errors import ConfigurationError, OutcomeUnknown, Refused, RetryLater
from tests.integration.blocks.sftp.far_side import channel_to, files_below
from tests.support.remote.parcels import parcel_to
from tests.support.remote.proxy import network_to
from tests.support.remote.scripted import Script, Session
from tests.support.remote.servers import SftpServer, openssh
from tests.support.waiting import eventually


def a_parcel(folder: Path, content: bytes = b"new", *names: str, attempt: int = 1, **settings: Any) -> Parcel:
    destination = SftpDestination(connection="out", **{"path": "in/a.{ext}", **settings})
    files = dict.fromkeys(names or ("report.pdf",), content)
    return parcel_to(destination, folder, files, attempt=attempt)


async def test_receipt(channel: SftpChannel, server: SftpServer, tmp_path: Path) -> None:
    parcel = a_parcel(tmp_path, b"new", "s.pdf", "s.xlsx")
    receipt = await channel.deliver(parcel)
    assert files_below(server.root) == {"in/a.pdf": b"new", "in/a.xlsx": b"new"}
    assert receipt.grade is Grade.STORED
    assert receipt.reference == f"{server.root}/in/a.pdf"
    assert receipt.detail["files"][1] == {
        "path": f"{server.root}/in/a.xlsx",
        "bytes": 3,
        "sha256": parcel.files[1].sha256,
        "was_there": False,
        "picked_up": False,
    }


BOTH_RENAMES = pytest.mark.parametrize(
    "script", [{"renames_over": True}, {"renames_over": False}], indirect=True, ids=["renames over", "plain rename"]
)


@BOTH_RENAMES
async def test_overwrite(channel: SftpChannel, server: SftpServer, tmp_path: Path) -> None:
    await channel.deliver(a_parcel(tmp_path, b"old content"))
    await channel.deliver(a_parcel(tmp_path))
    assert files_below(server.root) == {"in/a.pdf": b"new"}


async def test_timestamp_keeps_both_and_repeats_to_the_same_name(
    channel: SftpChannel, server: SftpServer, tmp_path: Path
) -> None:
    (server.root / "in").mkdir()
    (server.root / "in/a.pdf").write_bytes(b"old")
    await channel.deliver(a_parcel(tmp_path, if_exists="timestamp"))
    again = await channel.deliver(a_parcel(tmp_path, if_exists="timestamp", attempt=2))
    assert files_below(server.root) == {"in/a.pdf": b"old", "in/a-20260209T090000.pdf": b"new"}
    assert again.detail["files"][0]["was_there"] is True
    await channel.deliver(a_parcel(tmp_path, b"NEW", if_exists="timestamp"))
    assert files_below(server.root)["in/a-20260209T090000-2.pdf"] == b"NEW"


async def test_fail_leaves_what_is_there(channel: SftpChannel, server: SftpServer, tmp_path: Path) -> None:
    (server.root / "in").mkdir()
    (server.root / "in/a.pdf").write_bytes(b"old")
    with pytest.raises(Refused):
        await channel.deliver(a_parcel(tmp_path, if_exists="fail"))
    assert files_below(server.root) == {"in/a.pdf": b"old"}


async def test_another_writer_between_looking_and_renaming_is_not_overwritten(
    channel: SftpChannel, server: SftpServer, script: Script, tmp_path: Path
) -> None:
    def be_faster(session: Session, path: str) -> None:
        script.before_rename = None
        Path(path).write_bytes(b"of another")

    script.before_rename = be_faster
    await channel.deliver(a_parcel(tmp_path, if_exists="timestamp"))
    assert files_below(server.root) == {"in/a.pdf": b"of another", "in/a-20260209T090000.pdf": b"new"}


async def test_folders_are_made_only_on_request(channel: SftpChannel, server: SftpServer, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await channel.deliver(a_parcel(tmp_path, path="one/two/a.pdf", make_folders=False))
    assert caught.value.field == "path"
    assert not list(server.root.iterdir())
    await channel.deliver(a_parcel(tmp_path, path="one/two/a.pdf"))
    await channel.deliver(a_parcel(tmp_path, b"2", path="one/two/b.pdf", make_folders=False))
    assert files_below(server.root) == {"one/two/a.pdf": b"new", "one/two/b.pdf": b"2"}


async def test_what_dead_attempts_left_is_removed(channel: SftpChannel, server: SftpServer, tmp_path: Path) -> None:
    parcel = a_parcel(tmp_path, attempt=3)
    [(_, path)] = file_names.targets("in/a.{ext}", parcel)
    (server.root / "in").mkdir()
    for attempt in (1, 2):
        (server.root / names.temporary(path, parcel.key, attempt)).write_bytes(b"half")
    other = server.root / names.temporary(path, "key-2", 1)
    other.write_bytes(b"of another delivery, under way")
    await channel.deliver(parcel)
    assert files_below(server.root) == {"in/a.pdf": b"new", f"in/{other.name}": other.read_bytes()}


async def test_robot_takes_the_file_right_after_the_rename(
    channel: SftpChannel, server: SftpServer, script: Script, tmp_path: Path
) -> None:
    script.after_rename = lambda session, path: Path(path).unlink()
    receipt = await channel.deliver(a_parcel(tmp_path))
    assert receipt.detail["files"][0]["picked_up"] is True
    assert files_below(server.root) == {}


@BOTH_RENAMES
@pytest.mark.parametrize("is_picked_up", [False, True])
async def test_answer_to_the_rename_is_lost(
    channel: SftpChannel, server: SftpServer, script: Script, tmp_path: Path, is_picked_up: bool
) -> None:
    def lose(session: Session, path: str) -> None:
        script.after_rename = None
        if is_picked_up:
            Path(path).unlink()
        session.cut()

    script.after_rename = lose
    receipt = await channel.deliver(a_parcel(tmp_path, b"new", "s.pdf", "s.xlsx"))
    assert [file["picked_up"] for file in receipt.detail["files"]] == [is_picked_up, False]
    assert files_below(server.root) == {"in/a.xlsx": b"new"} | ({} if is_picked_up else {"in/a.pdf": b"new"})
    assert script.logins == 2
    assert len([request for request in script.requests if "rename" in request[0]]) == 2


@BOTH_RENAMES
async def test_connection_is_lost_before_the_rename_is_carried_out(
    channel: SftpChannel, server: SftpServer, script: Script, tmp_path: Path
) -> None:
    def lose(session: Session, path: str) -> None:
        script.before_rename = None
        session.cut()
        raise asyncssh.SFTPConnectionLost("cut")

    script.before_rename = lose
    await channel.deliver(a_parcel(tmp_path))
    assert files_below(server.root) == {"in/a.pdf": b"new"}


@BOTH_RENAMES
async def test_server_is_gone_after_the_rename(server: SftpServer, script: Script, tmp_path: Path) -> None:
    async with network_to(server.port) as network:

        def lose(session: Session, path: str) -> None:
            network.cut_after = 0
            network.cut_all()

        script.after_rename = lose
        channel = channel_to(server, port=network.port)
        with pytest.raises(OutcomeUnknown):
            await channel.deliver(a_parcel(tmp_path))
        script.after_rename = network.cut_after = None
        again = await channel.deliver(a_parcel(tmp_path, attempt=2))
    assert again.detail["files"][0]["was_there"] is True
    assert files_below(server.root) == {"in/a.pdf": b"new"}


async def test_rename_is_never_answered(server: SftpServer, script: Script, tmp_path: Path) -> None:
    async with network_to(server.port) as network:

        def go_silent(session: Session, path: str) -> None:
            network.silent_after = 0

        script.after_rename = go_silent
        with pytest.raises(OutcomeUnknown):
            await channel_to(server, port=network.port, timeout=1).deliver(a_parcel(tmp_path))


async def test_server_that_says_nothing_is_later(server: SftpServer, silent_port: int, tmp_path: Path) -> None:
    with pytest.raises(RetryLater):
        await channel_to(server, port=silent_port, timeout=1).deliver(a_parcel(tmp_path))


async def test_time_that_is_over_while_connecting_is_later(server: SftpServer, tmp_path: Path) -> None:
    async with network_to(server.port) as network:
        network.delay = 0.15  # Less than one answer may take, but there are many.
        with pytest.raises(RetryLater):
            await channel_to(server, port=network.port, timeout=1).deliver(a_parcel(tmp_path))
    assert files_below(server.root) == {}


async def test_server_goes_silent_in_the_middle(server: SftpServer, tmp_path: Path) -> None:
    async with network_to(server.port) as network:
        network.silent_after = 100_000
        with pytest.raises(RetryLater):
            await channel_to(server, port=network.port, timeout=1).deliver(a_parcel(tmp_path, b"x" * 500_000))
    assert not any(path.endswith("a.pdf") for path in files_below(server.root))


async def test_cancelled_delivery_stops_and_leaves_nothing(
    channel: SftpChannel, server: SftpServer, script: Script, tmp_path: Path
) -> None:
    script.delay = 0.005
    sending = asyncio.create_task(channel.deliver(a_parcel(tmp_path, b"x" * 20_000_000)))
    await eventually(lambda: any(files_below(server.root).values()), pause=0.01)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert files_below(server.root) == {}


@pytest.mark.parametrize("failure", ["Failure", "NoSpaceOnFilesystem", "QuotaExceeded", "PermissionDenied"])
async def test_full_disk_is_later_and_leaves_nothing(
    channel: SftpChannel, server: SftpServer, script: Script, tmp_path: Path, failure: str
) -> None:
    script.fails_after = 100_000
    script.failure = getattr(asyncssh, f"SFTP{failure}")(failure)
    with pytest.raises(ConfigurationError if failure == "PermissionDenied" else RetryLater):
        await channel.deliver(a_parcel(tmp_path, b"x" * 500_000))
    assert files_below(server.root) == {}


@pytest.mark.xdist_group("small disk")
async def test_full_disk_of_openssh(small_disk: Path, tmp_path: Path) -> None:
    with openssh(tmp_path / "sshd") as server:
        channel = channel_to(server, folder=str(small_disk))
        with pytest.raises(RetryLater):
            await channel.deliver(a_parcel(tmp_path, b"x" * 5_000_000, path="a.{ext}"))
        KEPT.close_all()
    assert files_below(small_disk) == {}


async def test_write_that_fails_in_the_middle_is_no_hole_in_a_file_of_the_right_size(
    channel: SftpChannel, server: SftpServer, script: Script, tmp_path: Path
) -> None:
    """paramiko alone does not look at the answers to the last hundred writes of a file."""
    script.fails_once_at = 320_000
    with pytest.raises(RetryLater):
        await channel.deliver(a_parcel(tmp_path, b"x" * 500_000))
    assert files_below(server.root) == {}


async def test_server_that_confirms_what_it_does_not_keep(
    channel: SftpChannel, server: SftpServer, script: Script, tmp_path: Path
) -> None:
    script.keeps = 320_000
    with pytest.raises(RetryLater):
        await channel.deliver(a_parcel(tmp_path, b"x" * 500_000))
    assert files_below(server.root) == {}


async def test_changed_or_missing_artifact_is_no_delivery(
    channel: SftpChannel, server: SftpServer, tmp_path: Path
) -> None:
    parcel = a_parcel(tmp_path)
    parcel.files[0].path.write_bytes(b"other")
    with pytest.raises(Refused):
        await channel.deliver(parcel)
    parcel.files[0].path.unlink()
    with pytest.raises(RetryLater):
        await channel.deliver(parcel)
    assert files_below(server.root) == {}
    # Another file of the same size would have to be compared with it.
    (server.root / "in/a.pdf").write_bytes(b"old")
    with pytest.raises(RetryLater):
        await channel.deliver(parcel)
    assert files_below(server.root) == {"in/a.pdf": b"old"}


@BOTH_RENAMES
async def test_folder_with_the_name_of_the_file(channel: SftpChannel, server: SftpServer, tmp_path: Path) -> None:
    (server.root / "in/a.pdf/full").mkdir(parents=True)
    with pytest.raises(ConfigurationError) as caught:
        await channel.deliver(a_parcel(tmp_path))
    assert caught.value.field == "path"
    assert files_below(server.root) == {}


@pytest.mark.parametrize("target", ["folder", "file"])
async def test_security_14_links_on_the_server_lead_nowhere(
    channel: SftpChannel, server: SftpServer, tmp_path: Path, target: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim").write_bytes(b"precious")
    if target == "folder":
        (server.root / "in").symlink_to(outside)
        with pytest.raises(ConfigurationError):
            await channel.deliver(a_parcel(tmp_path, path="in/victim"))
        with pytest.raises(ConfigurationError):
            await channel.deliver(a_parcel(tmp_path, path="in/new/victim"))
    else:
        (server.root / "victim").symlink_to(outside / "victim")
        await channel.deliver(a_parcel(tmp_path, path="victim"))
        assert not (server.root / "victim").is_symlink()
    assert files_below(outside) == {"victim": b"precious"}


async def test_withdrawn_parcel_leaves_nothing(channel: SftpChannel, server: SftpServer, tmp_path: Path) -> None:
    async def refuse() -> None:
        raise Refused("Not any more.")

    with pytest.raises(Refused):
        await channel.deliver(replace(a_parcel(tmp_path), last_look=refuse))
    assert not list(server.root.iterdir())
