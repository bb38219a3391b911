"""Test as whom objects are sent: by a role that outlives its credentials, the machine, or a key alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prefect_mailroom import outbound
from prefect_mailroom.channels.objects import identity
from prefect_mailroom.channels.s3 import multipart
from prefect_mailroom.channels.s3.bucket import HOSTS_VARIABLE, STS_VARIABLE
from prefect_mailroom.channels.s3.channel import S3Channel
from prefect_mailroom.channels.s3.destination import S3Destination
from prefect_mailroom.channels.s3.wire.client import account
from prefect_mailroom.channels.steps import Steps
from prefect_mailroom.errors import ConfigurationError, TargetForbidden
from tests.integration.blocks.s3.far_side import channel_to
from tests.support.parcels import a_parcel
from tests.support.s3.front import Answer, Front, Request, error, front_of
from tests.support.s3.servers import EXTERNAL_ID, ROLE, S3Server

DESTINATION = S3Destination(connection="test", path="report.bin")


@pytest.fixture(autouse=True)
def _no_credentials_are_kept() -> None:
    account.cache_clear()


def role(server: S3Server, monkeypatch: pytest.MonkeyPatch, front: Front | None = None) -> S3Channel:
    """Return a channel that assumes the role with the key."""
    port = front.port if front else server.port
    monkeypatch.setenv(STS_VARIABLE, f"http://127.0.0.1:{port}")
    given = {"identity": "role", "role_arn": ROLE, "external_id": EXTERNAL_ID}
    return channel_to(server, port=port, timeout=120, **given)


async def test_a_role_is_assumed_once(server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with front_of(server.port) as front:
        channel = role(server, monkeypatch, front)
        for name in ("1", "2"):
            parcel = a_parcel(tmp_path, DESTINATION.model_copy(update={"path": name}), {"a.csv": b"1"})
            await channel.deliver(parcel)
    assert len([one for one in front.requests if one.is_sts]) == 1
    assert all(front.tokens())
    assert channel.sends_as(channel.model_dump()) == f"{ROLE}, assumed by the key {server.key_id}"


@pytest.mark.parametrize(
    ("changed", "field"), [("external_id", "role_arn"), ("secret_access_key", "secret_access_key")]
)
async def test_a_role_that_cannot_be_assumed(
    server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changed: str, field: str
) -> None:
    channel = role(server, monkeypatch)
    wrong = S3Channel(**{**channel.model_dump(), changed: "wrong"})
    with pytest.raises(ConfigurationError) as failed:
        await wrong.deliver(a_parcel(tmp_path, DESTINATION, {"a.csv": b"1"}))
    assert failed.value.field == field
    assert EXTERNAL_ID not in str(failed.value)


@pytest.mark.parametrize("how", ["the clock", "the store"])
async def test_a_role_outlives_its_credentials(
    server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: str
) -> None:
    """An upload goes on though the credentials end on the way: 200 MB by the store's word, others by their time."""
    size, part = (200_000_000, 16 * 2**20) if how == "the store" else (30_000_000, 5 * 2**20)
    monkeypatch.setattr(multipart, "FROM", 10_000_000)
    monkeypatch.setattr(multipart, "PART", part)
    content = bytes(range(256)) * (size // 256)
    uses: dict[str, int] = {}

    def ended(request: Request) -> Answer | None:
        """Take seven parts by the same credentials, and refuse whatever else they sign."""
        if not request.token or request.is_sts:
            return None
        uses[request.token] = uses.get(request.token, 0) + ("partNumber" in request.path)
        return error("ExpiredToken") if uses[request.token] > 7 else None

    def short(answer: str) -> str:
        """Say that they end in less than ten minutes, when botocore signs nothing any more without new ones."""
        ends = datetime.now(UTC) + timedelta(seconds=590)
        return re.sub("<Expiration>[^<]*<", f"<Expiration>{ends:%Y-%m-%dT%H:%M:%SZ}<", answer)

    async with front_of(server.port) as front:
        if how == "the store":
            front.answer = ended
        else:
            front.rewrite = short
        channel = role(server, monkeypatch, front)
        receipt = await channel.deliver(a_parcel(tmp_path, DESTINATION, {"report.bin": content}))
    tokens = front.tokens()
    assert len(tokens) >= 2, "The credentials were never renewed."
    assert all(tokens)
    assert receipt.detail["files"][0]["bytes"] == len(content)
    # Compared by hand: pytest would print the difference of such files for minutes.
    assert server.read_back(tmp_path / "read") == {"report.bin": content}, "The files differ."
    assert server.unfinished() == []


async def test_the_machine_is_the_operators(server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the machine itself nor a role that it assumes is used without permission, nor sent anywhere else."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret)
    monkeypatch.setenv(STS_VARIABLE, server.url)
    nothing: dict[str, Any] = {"access_key_id": "", "secret_access_key": ""}
    machine = channel_to(server, identity="machine", **nothing)
    by_role = channel_to(server, identity="role", role_arn=ROLE, external_id=EXTERNAL_ID, **nothing)
    for permitted in ({}, {identity.VARIABLE: "true"}, {HOSTS_VARIABLE: "127.0.0.1"}):
        for name, value in permitted.items():
            monkeypatch.setenv(name, value)
        for channel in (machine, by_role):
            if HOSTS_VARIABLE not in permitted:
                for attempt in (channel.screen(), channel.check(Steps()), channel.choices()):
                    with pytest.raises(ConfigurationError) as refused:
                        await attempt
                    assert refused.value.field == "identity"
            else:
                destination = DESTINATION.model_copy(update={"path": channel.identity})
                await channel.deliver(a_parcel(tmp_path, destination, {"a.csv": b"1"}))
    assert machine.sends_as(machine.model_dump()) == "the identity of the machine"
    assert server.keys() == ["machine", "role"]


async def test_a_key_is_used_alone(server: S3Server, tmp_path: Path) -> None:
    """Nothing of this machine has a say: no other key, no profile, no endpoint, no proxy, no authority."""
    config = tmp_path / "config"
    config.write_text("[default]\nendpoint_url = http://127.0.0.1:1\nregion = mars\n[profile x]\nregion = mars\n")
    machine = {
        "AWS_ACCESS_KEY_ID": "another",
        "AWS_SECRET_ACCESS_KEY": "another",
        "AWS_SESSION_TOKEN": "another",
        "AWS_PROFILE": "there-is-none",
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(config),
        "AWS_DEFAULT_REGION": "mars",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "AWS_CA_BUNDLE": "/nowhere",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_DATA_PATH": "/nowhere",
        "http_proxy": "http://127.0.0.1:1",
        "https_proxy": "http://127.0.0.1:1",
        "all_proxy": "http://127.0.0.1:1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in machine.items():
            patch.setenv(name, value)
        async with front_of(server.port) as front:
            channel = channel_to(server, port=front.port)
            await channel.deliver(a_parcel(tmp_path, DESTINATION, {"a.csv": b"1"}))
            assert await channel.check(Steps())
    assert {one.headers["authorization"].split("/")[0].partition("=")[2] for one in front.requests} == {server.key_id}
    assert {one.headers["authorization"].split("/")[2] for one in front.requests} == {"us-east-1"}


async def test_the_service_that_gives_out_roles_is_guarded(
    server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    channel = role(server, monkeypatch)
    monkeypatch.setenv(STS_VARIABLE, "http://169.254.169.254")
    with pytest.raises(TargetForbidden):
        await channel.deliver(a_parcel(tmp_path, DESTINATION, {"a.csv": b"1"}))
    monkeypatch.setenv(STS_VARIABLE, server.url)
    monkeypatch.setenv(outbound.CLOSED_VARIABLE, f"127.0.0.1:{server.port}")
    with pytest.raises(TargetForbidden):
        await channel.deliver(a_parcel(tmp_path, DESTINATION, {"a.csv": b"1"}))
