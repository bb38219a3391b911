"""Uploads: written once, in pieces where they are large, ended where they fail, and whole when they arrive."""

from __future__ import annotations

import itertools
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from prefect_mailroom.channels.base import Grade, Parcel
from prefect_mailroom.channels.gcs.destination import GcsDestination
from prefect_mailroom.channels.gcs.store import WHOLE
from prefect_mailroom.errors import ConfigurationError, Refused, RetryLater
from prefect_mailroom.testing.outcomes import failure
from tests.integration.blocks.gcs.far_side import channel_to
from tests.support.gcs import servers
from tests.support.gcs.front import Front
from tests.support.programs import needs
from tests.support.remote.parcels import parcel_to
from tests.support.remote.proxy import network_to

LARGE = bytes(range(256)) * (2 * WHOLE // 256) + b"the end"
KMS = "projects/p/locations/eu/keyRings/r/cryptoKeys"


def parcel(folder: Path, content: bytes, **settings: Any) -> Parcel:
    """Return a parcel of one file, which fails where another is."""
    given = {"connection": "test", "path": "{file_name}", "if_exists": "fail", **settings}
    return parcel_to(GcsDestination(**given), folder, {"month.csv": content})


def cut(link: socket.socket) -> None:
    """Cut a connection, so that no answer arrives."""
    link.shutdown(socket.SHUT_RDWR)


class Once:
    """Does something at the answer to the n-th request of a kind."""

    def __init__(self, kind: str, action: Any, at: int = 1) -> None:
        self.kind, self.action, self.left = kind, action, at

    def __call__(self, kind: str, link: socket.socket) -> None:
        if kind == self.kind:
            self.left -= 1
            if self.left == 0:
                self.action(link)


async def test_large_files_leave_as_a_stream_and_arrive_whole(front: Front, upstream: int, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    sent = parcel(tmp_path, LARGE, storage_class="NEARLINE", metadata={"team": "finance"}, disposition="inline")
    object.__setattr__(sent, "on_progress", lambda done, of: told.append((done, of)))
    receipt = await channel_to(front, prefix="eu").deliver(sent)
    assert front.asked == ["look", "start", "piece", "look"]
    assert servers.content(upstream, "eu/month.csv") == LARGE, "The files differ."
    [fact] = receipt.detail["files"]
    found = servers.resource(upstream, "eu/month.csv")
    assert receipt.grade is Grade.STORED
    assert receipt.reference == "gs://reports/eu/month.csv"
    assert fact["checksums"] == {"crc32c": found["crc32c"]}
    assert (fact["version"], fact["bytes"]) == (found["generation"], len(LARGE))
    assert found["storageClass"] == "NEARLINE"
    assert found["contentType"] == "x/y"
    assert found["contentDisposition"] == 'inline; filename="month.csv"'
    assert isinstance(found["metadata"], dict)
    assert found["metadata"]["team"] == "finance"
    assert found["metadata"]["mailroom_key"] == "key-1"
    assert told == sorted(told)
    assert told[-1] == (len(LARGE), len(LARGE))
    assert len(told) >= 3


async def test_what_arrived_is_read_by_another_client(front: Front, tmp_path: Path) -> None:
    """rclone logs in, lists the objects and copies them."""
    rclone = needs("rclone", "rclone")
    await channel_to(front, prefix="größe").deliver(parcel(tmp_path, LARGE, path="{date:%Y}/a b.csv"))
    (tmp_path / "key.json").write_text(front.key_file)
    options = f"service_account_file={tmp_path / 'key.json'},endpoint='{front.url}/storage/v1/'"
    source, target = f":googlecloudstorage,{options}:{servers.BUCKET}", tmp_path / "copied"
    subprocess.run([rclone, "--config", "/dev/null", "--retries", "1", "copy", source, target], check=True, timeout=60)
    copied = {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*.csv")}
    assert copied == {"größe/2026/a b.csv": LARGE}, "The files differ."


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
async def test_who_is_faster_keeps_the_name(content: bytes, front: Front, upstream: int, tmp_path: Path) -> None:
    """The store decides at the end of an upload: what somebody wrote meanwhile stays."""
    kind, at = ("look", 1) if content == b"small" else ("start", 1)
    front.after = Once(kind, lambda _: servers.write(upstream, "month.csv", b"theirs"), at)
    error = await failure(channel_to(front).deliver(parcel(tmp_path, content)))
    assert isinstance(error, Refused), repr(error)
    assert servers.objects(upstream) == {"month.csv": b"theirs"}
    assert not front.open


async def test_both_are_kept_where_that_is_asked_for(front: Front, upstream: int, tmp_path: Path) -> None:
    front.after = Once("look", lambda _: servers.write(upstream, "month.csv", b"theirs"))
    receipt = await channel_to(front).deliver(parcel(tmp_path, b"ours", if_exists="timestamp"))
    found = servers.objects(upstream)
    assert found.pop("month.csv") == b"theirs"
    assert list(found.values()) == [b"ours"]
    assert [f"gs://reports/{name}" for name in found] == [receipt.reference]


@pytest.mark.parametrize(("content", "kind"), [(b"small", "upload"), (LARGE, "piece")], ids=["small", "large"])
async def test_a_lost_answer_makes_no_second_object(
    content: bytes, kind: str, front: Front, upstream: int, tmp_path: Path
) -> None:
    front.after = Once(kind, cut)
    receipt = await channel_to(front).deliver(parcel(tmp_path, content))
    assert servers.objects(upstream) == {"month.csv": content}, "The files differ."
    assert servers.resource(upstream, "month.csv")["generation"] == receipt.detail["files"][0]["version"]
    assert front.asked.count(kind) == 2, "it is sent, or asked for, once more"
    assert not front.open


async def test_the_lost_answer_to_a_forgotten_upload_is_looked_after(
    front: Front, upstream: int, tmp_path: Path
) -> None:
    """Where the store says nothing about an upload that is over, the object itself does."""

    def forgets(link: socket.socket) -> None:
        front.finished.clear()
        cut(link)

    front.after = Once("piece", forgets)
    receipt = await channel_to(front).deliver(parcel(tmp_path, LARGE))
    assert servers.objects(upstream) == {"month.csv": LARGE}, "The files differ."
    assert receipt.detail["files"][0]["version"] == servers.resource(upstream, "month.csv")["generation"]


async def test_an_upload_goes_on_from_what_has_arrived(front: Front, upstream: int, tmp_path: Path) -> None:
    """A connection that lasts for no more than a part of the file is enough."""
    async with network_to(front.port) as network:
        network.cut_after = 5 * 1_048_576
        receipt = await channel_to(front, port=network.port).deliver(parcel(tmp_path, LARGE))
    assert servers.objects(upstream) == {"month.csv": LARGE}, "The files differ."
    assert receipt.detail["files"][0]["checksums"] == {"crc32c": servers.resource(upstream, "month.csv")["crc32c"]}
    assert network.sent < len(LARGE) + 2 * 1_048_576, "what had arrived was sent once more"
    assert not front.open


async def test_an_upload_of_which_nothing_arrives_is_given_up(front: Front, upstream: int, tmp_path: Path) -> None:
    in_vain: list[tuple[int, dict[str, str]]] = [(503, {}), (308, {})]
    front.fails["piece"] = [*in_vain * 3, (503, {})]
    error = await failure(channel_to(front).deliver(parcel(tmp_path, LARGE)))
    assert isinstance(error, RetryLater), repr(error)
    assert servers.objects(upstream) == {}
    assert front.ended == ["month.csv"]


async def test_an_upload_that_fails_is_ended(front: Front, upstream: int, tmp_path: Path) -> None:
    front.fails["piece"] = [(503, {"retry-after": "90"})]
    error = await failure(channel_to(front).deliver(parcel(tmp_path, LARGE)))
    assert isinstance(error, RetryLater), repr(error)
    assert error.not_before == 90
    assert front.ended == ["month.csv"]
    assert not front.open
    assert servers.objects(upstream) == {}


async def test_a_store_that_is_busy_for_a_moment_is_asked_again(front: Front, upstream: int, tmp_path: Path) -> None:
    front.fails = {"piece": [(503, {})], "look": [(429, {})], "start": [(500, {})]}
    await channel_to(front).deliver(parcel(tmp_path, LARGE))
    assert servers.objects(upstream) == {"month.csv": LARGE}, "The files differ."
    # On a busy machine the client may ask once more than it has to.
    assert [kind for kind, _ in itertools.groupby(front.asked)] == ["look", "start", "piece", "look"]
    assert (front.asked.count("start"), front.asked.count("piece")) >= (2, 3)
    assert front.asked.count("look") >= 3


@pytest.mark.parametrize("content", [b"small" * 1000, LARGE], ids=["small", "large"])
async def test_content_that_changed_on_its_way_never_appears(
    content: bytes, front: Front, upstream: int, tmp_path: Path
) -> None:
    front.corrupts = True
    error = await failure(channel_to(front).deliver(parcel(tmp_path, content)))
    assert isinstance(error, RetryLater), repr(error)
    assert servers.objects(upstream) == {}
    assert not front.open


async def test_a_file_that_differs_from_what_was_rendered_never_appears(
    front: Front, upstream: int, tmp_path: Path
) -> None:
    sent = parcel(tmp_path, LARGE)
    sent.files[0].path.write_bytes(LARGE[:-1] + b"D")
    error = await failure(channel_to(front).deliver(sent))
    assert isinstance(error, Refused), repr(error)
    assert servers.objects(upstream) == {}
    assert front.ended == ["month.csv"]


async def test_the_key_of_the_key_service_is_named(front: Front, upstream: int, tmp_path: Path) -> None:
    await channel_to(front, kms_key=f"{KMS}/good").deliver(parcel(tmp_path, b"1"))
    assert front.keys == [f"{KMS}/good"]
    error = await failure(channel_to(front, kms_key=f"{KMS}/missing").deliver(parcel(tmp_path, b"1", path="b")))
    assert isinstance(error, ConfigurationError)
    assert error.field == "kms_key"
    assert list(servers.objects(upstream)) == ["month.csv"]


@pytest.mark.parametrize(
    ("status", "reason", "error_type", "field"),
    [
        (403, "forbidden", ConfigurationError, "identity"),
        (403, "rateLimitExceeded", RetryLater, ""),
        (404, "notFound", ConfigurationError, "bucket"),
        (401, "authError", ConfigurationError, "service_account_key"),
        (507, "", RetryLater, ""),
        (400, "invalid", Refused, ""),
    ],
)
async def test_answers_are_told_apart(
    status: int, reason: str, error_type: type[Exception], field: str, front: Front, tmp_path: Path
) -> None:
    front.fails["upload"] = [(status, {"reason": reason})] * 3
    error = await failure(channel_to(front).deliver(parcel(tmp_path, b"1")))
    assert type(error) is error_type, repr(error)
    assert getattr(error, "field", "") == field
    assert "canary" not in str(error)


async def test_without_preconditions_a_store_is_looked_at_first(front: Front, upstream: int, tmp_path: Path) -> None:
    channel = channel_to(front, write_once=False)
    servers.write(upstream, "month.csv", b"theirs")
    assert isinstance(await failure(channel.deliver(parcel(tmp_path, b"1"))), Refused)
    await channel.deliver(parcel(tmp_path, b"1", if_exists="overwrite"))
    assert servers.objects(upstream) == {"month.csv": b"1"}
