"""What a blob is and what is told about it, one writer among several, and what is left of an upload that broke."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest

from prefect_mailroom.channels.azure import blocks
from prefect_mailroom.channels.azure.channel import AzureChannel
from prefect_mailroom.channels.azure.destination import AzureDestination
from prefect_mailroom.errors import ConfigurationError, OutcomeUnknown, RetryLater
from prefect_mailroom.testing.outcomes import failure
from tests.integration.blocks.azure.far_side import channel_to
from tests.support.azure.azurite import CONTAINER, Azurite
from tests.support.azure.front import Answer, Front, Request, front_of
from tests.support.remote.parcels import DUE, parcel_to

LARGE = b"0123456789abcdef" * (blocks.SIZE // 8)  # Two blocks.


def to(path: str = "{file_name}", **settings: Any) -> AzureDestination:
    return AzureDestination(connection="out", path=path, **settings)


@pytest.mark.parametrize("content", [b"figures", LARGE], ids=["whole", "in blocks"])
async def test_what_is_told_about_a_blob(
    server: Azurite, channel: AzureChannel, tmp_path: Path, content: bytes
) -> None:
    told: list[tuple[int, int]] = []
    destination = to(storage_class="Cool", metadata={"team": "sales"}, tags={"keep": "7 years"})
    parcel = parcel_to(destination, tmp_path, {"März.csv": content})
    object.__setattr__(parcel, "on_progress", lambda sent, total: told.append((sent, total)))
    receipt = await channel.deliver(parcel)
    blob = server.client().get_blob_client(CONTAINER, "März.csv")
    found = blob.get_blob_properties()
    assert found.metadata == {
        "team": "sales",
        "mailroom_key": "key-1",
        "mailroom_sha256": hashlib.sha256(content).hexdigest(),
        "mailroom_due": DUE.isoformat(),
    }
    assert blob.get_blob_tags() == {"keep": "7 years"}
    assert found.blob_tier == "Cool"
    assert found.content_settings.content_type == "x/y"
    assert "filename*=UTF-8''M%C3%A4rz.csv" in found.content_settings.content_disposition
    md5 = hashlib.md5(content).hexdigest()
    assert bytes(found.content_settings.content_md5).hex() == md5
    (file,) = receipt.detail["files"]
    assert (file["bytes"], file["etag"], file["checksums"]) == (len(content), found.etag, {"md5": md5})
    assert file["path"].endswith(f"/{CONTAINER}/März.csv")
    assert told[-1] == (len(content), len(content))


async def test_two_writers_of_one_name(server: Azurite, channel: AzureChannel, tmp_path: Path) -> None:
    """Both send blocks to the same name at once; whoever is slower finds the other's, and nothing is mixed."""
    contents = {"one": LARGE, "two": bytes(reversed(LARGE))}
    for key in contents:
        (tmp_path / key).mkdir()
    receipts = await asyncio.gather(
        *(
            channel.deliver(
                parcel_to(to("same.csv", if_exists="timestamp"), tmp_path / key, {"a.csv": content}, key=key)
            )
            for key, content in contents.items()
        )
    )
    found = server.read_back(tmp_path / "got")
    assert sorted(map(len, found.values())) == [len(LARGE)] * 2
    for (key, content), receipt in zip(contents.items(), receipts, strict=True):
        name = receipt.reference.rpartition("/")[2]
        assert found[name] == content, key


async def test_a_blob_of_another_is_replaced_or_refused(server: Azurite, channel: AzureChannel, tmp_path: Path) -> None:
    server.put("a.csv", b"of somebody else")
    await channel.deliver(parcel_to(to(if_exists="overwrite"), tmp_path, {"a.csv": LARGE}))
    assert server.read_back(tmp_path / "got") == {"a.csv": LARGE}


async def test_an_upload_that_ends_in_the_middle_leaves_nothing_that_is_seen(server: Azurite, tmp_path: Path) -> None:
    async with front_of(server.port) as front:

        def refuses_the_second(request: Request) -> Answer | None:
            so_far = [one for one in front.requests if "comp=block&" in one.path]
            return Answer(403, "AuthorizationPermissionMismatch") if request in so_far[1:] else None

        front.answer = refuses_the_second
        channel = channel_to(server, port=front.port)
        error = await failure(channel.deliver(parcel_to(to(), tmp_path, {"a.csv": LARGE})))
        assert isinstance(error, ConfigurationError)
        assert server.names() == []
        assert server.names(uncommitted=True) == ["a.csv"]
        front.answer = lambda request: None
        await channel.deliver(parcel_to(to(), tmp_path, {"a.csv": LARGE}, attempt=2))
    assert server.read_back(tmp_path / "got") == {"a.csv": LARGE}


@pytest.mark.parametrize("content", [b"figures", LARGE], ids=["whole", "in blocks"])
async def test_a_lost_answer_is_found_out(server: Azurite, tmp_path: Path, content: bytes) -> None:
    """Azure has the blob, its answer is lost, and the store is asked: one success, one copy."""

    def makes_the_blob(request: Request) -> bool:
        return request.method == "PUT" and "comp=block&" not in request.path

    async with front_of(server.port) as front:
        front.forgets = makes_the_blob
        receipt = await channel_to(server, port=front.port).deliver(parcel_to(to(), tmp_path, {"a.csv": content}))
        assert len([one for one in front.requests if makes_the_blob(one)]) == 1
    assert receipt.detail["files"][0]["bytes"] == len(content)
    assert server.read_back(tmp_path / "got") == {"a.csv": content}


async def test_a_block_whose_answer_is_lost_is_sent_again(server: Azurite, tmp_path: Path) -> None:
    lost: list[str] = []

    def first_of_each(request: Request) -> bool:
        if "comp=block&" not in request.path or request.path in lost:
            return False
        lost.append(request.path)
        return True

    async with front_of(server.port) as front:
        front.forgets = first_of_each
        await channel_to(server, port=front.port).deliver(parcel_to(to(), tmp_path, {"a.csv": LARGE}))
    assert len(lost) == 2
    assert server.read_back(tmp_path / "got") == {"a.csv": LARGE}


async def test_nobody_can_be_asked(server: Azurite, tmp_path: Path) -> None:
    """The answer is lost, and the store does not answer afterwards: nobody knows."""

    def answer(front: Front) -> Any:
        return lambda request: (
            Answer(503, "ServerBusy") if any(one.method == "PUT" for one in front.requests[:-1]) else None
        )

    async with front_of(server.port) as front:
        front.forgets = lambda request: request.method == "PUT"
        front.answer = answer(front)
        error = await failure(channel_to(server, port=front.port).deliver(parcel_to(to(), tmp_path, {"a.csv": b"1"})))
    assert isinstance(error, OutcomeUnknown)


async def test_a_lease_is_waited_for(server: Azurite, channel: AzureChannel, tmp_path: Path) -> None:
    server.put("a.csv", b"of somebody else")
    lease = server.client().get_blob_client(CONTAINER, "a.csv").acquire_lease()
    try:
        for content in (b"1", LARGE):
            error = await failure(channel.deliver(parcel_to(to(), tmp_path, {"a.csv": content})))
            assert isinstance(error, RetryLater)
            assert error.remedy
    finally:
        lease.release()
    await channel.deliver(parcel_to(to(), tmp_path, {"a.csv": b"1"}))


async def test_a_busy_server_is_asked_later(server: Azurite, tmp_path: Path) -> None:
    async with front_of(server.port) as front:
        front.answer = lambda request: Answer(503, "ServerBusy", {"Retry-After": "7"})
        error = await failure(channel_to(server, port=front.port).deliver(parcel_to(to(), tmp_path, {"a.csv": b"1"})))
        assert len(front.requests) == 1
    assert isinstance(error, RetryLater)
    assert error.not_before == 7


async def test_a_redirect_is_not_followed(server: Azurite, tmp_path: Path) -> None:
    async with front_of(server.port) as front, front_of(server.port) as elsewhere:
        there = {"Location": f"http://127.0.0.1:{elsewhere.port}/elsewhere"}
        front.answer = lambda request: Answer(307, "", there)
        error = await failure(channel_to(server, port=front.port).deliver(parcel_to(to(), tmp_path, {"a.csv": b"1"})))
        assert elsewhere.requests == []
    assert isinstance(error, ConfigurationError)


async def test_a_container_that_is_not_there(server: Azurite, tmp_path: Path) -> None:
    channel = channel_to(server, container="missing")
    error = await failure(channel.deliver(parcel_to(to(), tmp_path, {"a.csv": b"1"})))
    assert isinstance(error, ConfigurationError)
    assert "missing" in error.message


async def test_a_file_that_changed_is_never_a_blob(server: Azurite, channel: AzureChannel, tmp_path: Path) -> None:
    for name, content in (("a.csv", b"figures"), ("b.csv", LARGE)):
        parcel = parcel_to(to(), tmp_path, {name: content})
        parcel.files[0].path.write_bytes(bytes(len(content)))
        await failure(channel.deliver(parcel))
    assert server.names() == []
