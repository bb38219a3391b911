"""The moments in which an FTP server, or the connection to it, lets a delivery down."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prefect_mailroom.errors import ConfigurationError, OutcomeUnknown, Refused, RetryLater
from tests.integration.blocks.ftp.parcels import a_parcel
from tests.support.ftp.scripted import ScriptedServer, hang_up, hang_up_afterwards, once, say


def files(server: ScriptedServer) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in server.root.iterdir()}


async def test_a_lost_confirmation_of_the_upload_is_tried_again(
    pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path
) -> None:
    parcel = a_parcel(tmp_path, content=b"x" * 300_000, path="a.csv")
    pyftpd.cut_at = 250_000
    with pytest.raises(RetryLater):
        await channel_to(pyftpd).deliver(parcel)
    assert "a.csv" not in files(pyftpd)
    pyftpd.well()
    await channel_to(pyftpd).deliver(replace(parcel, attempt=2))
    assert files(pyftpd) == {"a.csv": b"x" * 300_000}, "A temporary file is left, or the files differ."


async def test_a_lost_answer_to_the_rename_is_looked_up(
    pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path
) -> None:
    pyftpd.on["RNTO"] = once(hang_up_afterwards)
    receipt = await channel_to(pyftpd).deliver(a_parcel(tmp_path, path="a.csv"))
    assert receipt.detail["files"][0]["path"] == "/a.csv"
    assert files(pyftpd) == {"a.csv": b"new"}
    assert len(pyftpd.arguments("STOR")) == 1


async def test_a_rename_that_never_arrived_is_made_again(
    pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path
) -> None:
    pyftpd.on["RNTO"] = once(hang_up)
    await channel_to(pyftpd).deliver(a_parcel(tmp_path, path="a.csv"))
    assert files(pyftpd) == {"a.csv": b"new"}
    assert len(pyftpd.arguments("STOR")) == 1


async def test_where_nobody_can_look_again_the_outcome_is_unknown(
    pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path
) -> None:
    def last(session: Any, do: Any) -> None:
        pyftpd.on["USER"] = hang_up
        hang_up_afterwards(session, do)

    parcel = a_parcel(tmp_path, path="a.csv")
    pyftpd.on["RNTO"] = last
    with pytest.raises(OutcomeUnknown):
        await channel_to(pyftpd).deliver(parcel)
    pyftpd.well()
    receipt = await channel_to(pyftpd).deliver(replace(parcel, attempt=2))
    assert receipt.detail["files"][0]["was_there"]
    assert files(pyftpd) == {"a.csv": b"new"}
    assert len(pyftpd.arguments("STOR")) == 1


def silence(session: Any, do: Any) -> None:
    """Neither do it nor answer."""


@pytest.mark.parametrize(("command", "expected"), [("STOR", RetryLater), ("RNTO", OutcomeUnknown)])
async def test_a_server_that_falls_silent(
    pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path, command: str, expected: type[Exception]
) -> None:
    parcel = a_parcel(tmp_path, path="a.csv")
    pyftpd.on[command] = silence
    with pytest.raises(expected):
        await channel_to(pyftpd, timeout_seconds=1).deliver(parcel)
    pyftpd.well()
    await channel_to(pyftpd).deliver(replace(parcel, attempt=2))
    assert files(pyftpd) == {"a.csv": b"new"}


async def test_a_file_that_is_picked_up_at_once_is_delivered(
    pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path
) -> None:
    def taken(session: Any, do: Any) -> None:
        do()
        (pyftpd.root / "a.csv").unlink()

    pyftpd.on["RNTO"] = taken
    receipt = await channel_to(pyftpd).deliver(a_parcel(tmp_path, path="a.csv"))
    assert receipt.detail["files"][0]["picked_up"]
    assert files(pyftpd) == {}


@pytest.mark.parametrize("answer", ["550 Cannot create a file when that file already exists.", "553 File exists."])
async def test_a_server_that_replaces_nothing_is_told_to_remove_the_old_file(
    pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path, answer: str
) -> None:
    def as_on_windows(session: Any, do: Any) -> None:
        session.respond(answer) if (pyftpd.root / "a.csv").exists() else do()

    (pyftpd.root / "a.csv").write_bytes(b"of yesterday")
    pyftpd.on["RNTO"] = as_on_windows
    await channel_to(pyftpd).deliver(a_parcel(tmp_path, path="a.csv", if_exists="overwrite"))
    assert files(pyftpd) == {"a.csv": b"new"}

    (pyftpd.root / "b.csv").write_bytes(b"of somebody else")

    def too_late(session: Any, do: Any) -> None:  # Another writer comes between our look and the rename.
        (pyftpd.root / "c.csv").write_bytes(b"of somebody else")
        session.respond(answer)

    pyftpd.on["RNTO"] = too_late
    with pytest.raises(Refused):
        await channel_to(pyftpd).deliver(a_parcel(tmp_path, path="c.csv", if_exists="fail"))
    assert files(pyftpd)["c.csv"] == b"of somebody else"
    assert "c.csv" not in [Path(name).name for name in pyftpd.arguments("DELE")]


async def test_servers_say_in_many_ways_that_a_file_is_not_there(
    pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path
) -> None:
    def as_in_the_standard(session: Any, do: Any) -> None:
        there = bool(list(pyftpd.root.iterdir()))
        do() if there else session.respond("450 File unavailable.")

    pyftpd.on = dict.fromkeys(("MLST", "DELE"), as_in_the_standard)
    await channel_to(pyftpd).deliver(replace(a_parcel(tmp_path, path="a.csv"), attempt=2))
    assert files(pyftpd) == {"a.csv": b"new"}


async def test_timestamp_keeps_both(pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path) -> None:
    (pyftpd.root / "a.csv").write_bytes(b"of somebody else")
    receipt = await channel_to(pyftpd).deliver(a_parcel(tmp_path, path="a.csv", if_exists="timestamp"))
    assert files(pyftpd) == {"a.csv": b"of somebody else", "a-20260209T090000.csv": b"new"}
    assert receipt.reference == "/a-20260209T090000.csv"


@pytest.mark.parametrize(
    ("command", "answer", "expected"),
    [
        ("STOR", "421 Too many users.", RetryLater),
        ("STOR", "450 File busy.", RetryLater),
        ("STOR", "452 Insufficient storage space.", RetryLater),
        ("STOR", "552 Exceeded storage allocation.", RetryLater),
        ("STOR", "550 Permission denied.", ConfigurationError),
        ("STOR", "553 Could not create file.", ConfigurationError),
        ("STOR", "532 Need account for storing files.", ConfigurationError),
        ("STOR", "501 Illegal characters in the name.", Refused),
        ("RNTO", "452 Insufficient storage space.", RetryLater),
        ("RNTO", "550 Permission denied.", ConfigurationError),
        ("USER", "421 Too many connections.", RetryLater),
        ("PASS", "530 Login canary-ftp-password is incorrect.", ConfigurationError),
        ("PASS", "332 Need account.", ConfigurationError),
        ("PROT", "536 Not supported.", ConfigurationError),
        ("EPSV", "425 No data connection.", RetryLater),
    ],
)
async def test_each_answer_has_its_outcome(
    pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path, command: str, answer: str, expected: type[Exception]
) -> None:
    pyftpd.on[command] = say(answer)
    with pytest.raises(expected) as caught:
        await channel_to(pyftpd).deliver(a_parcel(tmp_path, path="a.csv"))
    assert "canary" not in str(caught.value)
    assert files(pyftpd) == {}


async def test_a_server_without_mlst_epsv_and_feat(pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path) -> None:
    pyftpd.on = dict.fromkeys(("MLST", "EPSV", "FEAT", "OPTS"), say("500 Command not understood."))
    (pyftpd.root / "folder.csv").mkdir()
    await channel_to(pyftpd).deliver(a_parcel(tmp_path, path="a/b/größe.csv"))
    assert (pyftpd.root / "a" / "b" / "größe.csv").read_bytes() == b"new"
    with pytest.raises(ConfigurationError):
        await channel_to(pyftpd).deliver(a_parcel(tmp_path, path="folder.csv"))


async def test_a_folder_that_links_out_of_the_root_is_refused(
    pyftpd: ScriptedServer, channel_to: Any, tmp_path: Path
) -> None:
    (pyftpd.root / "in").mkdir()
    (pyftpd.root / "elsewhere").mkdir()
    (pyftpd.root / "in" / "link").symlink_to(pyftpd.root / "elsewhere")
    pyftpd.on["PWD"] = lambda session, do: (
        session.respond('257 "/elsewhere"') if session.fs.cwd == "/in/link" else do()
    )  # As vsftpd and proftpd tell it.
    with pytest.raises(ConfigurationError):
        await channel_to(pyftpd, folder="in").deliver(a_parcel(tmp_path, path="link/a.csv"))
    assert not list((pyftpd.root / "elsewhere").iterdir())
