"""Test as whom requests are sent, and that tokens and keys go to Google's own hosts alone."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from google.auth import iam
from google.auth.compute_engine import _metadata

from prefect_mailroom import outbound
from prefect_mailroom.channels.gcs.bucket import HOSTS_VARIABLE
from prefect_mailroom.channels.gcs.wire import session
from prefect_mailroom.channels.objects.identity import VARIABLE
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError, RetryLater, TargetForbidden
from prefect_mailroom.testing.outcomes import failure
from tests.integration.blocks.gcs.far_side import channel_to
from tests.integration.blocks.gcs.test_uploads import LARGE, parcel
from tests.integration.blocks.test_security_outbound import METADATA, NUMBERS
from tests.support.gcs import servers
from tests.support.gcs.front import Front
from tests.support.gcs.identities import ACCOUNT, KEY, MACHINE, TARGET

MACHINES: dict[str, Any] = {"identity": "machine", "service_account_key": "", "project": "mailroom"}


@pytest.fixture
def machine(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this be a machine at Google, whose operator allows that connections send as it."""
    monkeypatch.setenv(VARIABLE, "true")
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", f"127.0.0.1:{front.port}")
    monkeypatch.setattr(_metadata, "_GCE_DEFAULT_MDS_IP", f"127.0.0.1:{front.port}")
    monkeypatch.setattr(_metadata, "_GCE_DEFAULT_MDS_HOSTS", [f"127.0.0.1:{front.port}"])
    monkeypatch.setattr(_metadata, "_get_metadata_ip_root", lambda _mtls: f"{front.url}/computeMetadata/")
    monkeypatch.setattr(session, "_METADATA", (f"{front.url}/computeMetadata/",))


@pytest.fixture
def impersonation(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have IAM answer here."""
    at = f"{front.url}/v1/projects/-/serviceAccounts/{{}}"
    monkeypatch.setattr(iam, "_IAM_ENDPOINT", f"{at}:generateAccessToken")
    monkeypatch.setattr(iam, "_IAM_SIGN_ENDPOINT", f"{at}:signBlob")


async def test_a_key_sends_as_its_account(front: Front, tmp_path: Path) -> None:
    channel = channel_to(front)
    await channel.deliver(parcel(tmp_path, b"1"))
    assert set(front.callers) == {ACCOUNT}
    assert channel.service_account == ACCOUNT
    assert channel.project == "mailroom"
    assert type(channel).sends_as(channel.model_dump()) == ACCOUNT


@pytest.mark.usefixtures("machine")
async def test_the_machine_sends_where_its_operator_allows_that(
    front: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = channel_to(front, **MACHINES)
    steps = Steps()
    await channel.check(steps)
    await channel.deliver(parcel(tmp_path, b"1"))
    assert set(front.callers) == {MACHINE}
    assert [step.name for step in steps.done] == [
        StepName.RESOLVE, StepName.CONNECT, StepName.LOGIN, StepName.WRITE, StepName.READ_BACK, StepName.DELETE,
    ]  # fmt: skip
    front.asked.clear()
    monkeypatch.setenv(VARIABLE, "")
    for ask in (channel.deliver(parcel(tmp_path, b"1", path="b")), channel.check(Steps()), channel.screen()):
        error = await failure(ask)
        assert isinstance(error, ConfigurationError)
        assert error.field == "identity"
    assert front.asked == []


@pytest.mark.usefixtures("impersonation")
async def test_a_key_impersonates_an_account(front: Front, tmp_path: Path) -> None:
    channel = channel_to(front, identity="impersonate", service_account=TARGET)
    await channel.deliver(parcel(tmp_path, b"1"))
    assert set(front.callers) == {TARGET}
    assert "impersonated by a key" in type(channel).sends_as(channel.model_dump())
    other = channel_to(front, identity="impersonate", service_account=f"not-{TARGET}")
    error = await failure(other.deliver(parcel(tmp_path, b"1", path="b")))
    assert isinstance(error, ConfigurationError)
    assert error.field == "identity"
    assert "canary" not in str(error)


@pytest.mark.usefixtures("machine", "impersonation")
async def test_the_machine_impersonates_an_account(front: Front, tmp_path: Path) -> None:
    channel = channel_to(front, **{**MACHINES, "identity": "impersonate", "service_account": TARGET})
    await channel.deliver(parcel(tmp_path, b"1"))
    assert set(front.callers) == {TARGET}


async def test_a_token_that_ends_in_the_middle_of_an_upload_is_renewed(
    front: Front, upstream: int, tmp_path: Path
) -> None:
    def ends(kind: str, _link: object) -> None:
        if kind in ("start", "piece"):
            front.identities.good.clear()

    front.after = ends
    await channel_to(front).deliver(parcel(tmp_path, LARGE))
    assert servers.objects(upstream) == {"month.csv": LARGE}, "The files differ."
    assert front.identities.asked.count("/token") >= 3


async def test_a_token_is_kept_between_deliveries(front: Front, tmp_path: Path) -> None:
    for path in ("a", "b", "c"):
        await channel_to(front).deliver(parcel(tmp_path, b"1", path=path))
    assert front.identities.asked == ["/token"]


async def test_tokens_are_not_given_out_for_now(front: Front, tmp_path: Path) -> None:
    front.identities.fails = (503, {"error": "backendError"})
    error = await failure(channel_to(front).deliver(parcel(tmp_path, b"1")))
    assert isinstance(error, RetryLater), repr(error)


async def test_tokens_are_for_hosts_that_are_trusted(
    front: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = channel_to(front)
    monkeypatch.setenv(HOSTS_VARIABLE, "storage.example.com")
    for ask in (
        channel.deliver(parcel(tmp_path, b"1")),
        channel.check(Steps()),
        channel.choices(),
        channel.screen(),
        channel.signed_link("a", filename="a", seconds=60),
    ):
        error = await failure(ask)
        assert isinstance(error, ConfigurationError)
        assert error.field == "endpoint"
    assert front.asked == front.identities.asked == []


async def test_an_upload_is_led_nowhere_else(front: Front, silent_port: int, tmp_path: Path) -> None:
    front.leads_to = f"http://127.0.0.1:{silent_port}"
    error = await failure(channel_to(front).deliver(parcel(tmp_path, LARGE)))
    assert isinstance(error, ConfigurationError), repr(error)
    assert error.field == "endpoint"


async def test_plain_http_is_for_hosts_that_are_listed(
    front: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = channel_to(front)
    monkeypatch.setenv(outbound.VARIABLE, "")
    error = await failure(channel.deliver(parcel(tmp_path, b"1")))
    assert isinstance(error, ConfigurationError)
    assert front.asked == []


@pytest.mark.parametrize("host", [*METADATA, *(host for host in NUMBERS if host.isascii()), "[::1]"])
async def test_the_inside_is_no_endpoint(
    host: str, front: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where somebody trusts it. The metadata server is asked for tokens alone, at nobody's choice."""
    monkeypatch.delenv(outbound.VARIABLE)
    monkeypatch.setenv(HOSTS_VARIABLE, f"127.0.0.1 {host.strip('[]')}")
    channel = channel_to(front, endpoint=f"http://{host}:{front.port}")
    for ask in (channel.screen(), channel.check(Steps()), channel.deliver(parcel(tmp_path, b"1")), channel.choices()):
        error = await failure(ask)
        assert isinstance(error, TargetForbidden), repr(error)
    assert front.asked == front.identities.asked == []


async def test_nothing_of_the_environment_is_used(
    front: Front, upstream: int, closed_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = f"http://127.0.0.1:{closed_port}"
    for name in ("STORAGE_EMULATOR_HOST", "API_ENDPOINT_OVERRIDE", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, elsewhere)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "another")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    await channel_to(front).deliver(parcel(tmp_path, b"1"))
    assert servers.objects(upstream) == {"month.csv": b"1"}


async def test_buckets_are_listed_for_a_project(front: Front) -> None:
    assert await channel_to(front, bucket="").choices() == {"bucket": [servers.BUCKET]}
    front.fails["list"] = [(403, {"reason": "forbidden"})]
    assert isinstance(await failure(channel_to(front).choices()), ConfigurationError)


@pytest.mark.usefixtures("machine", "impersonation")
@pytest.mark.parametrize(
    ("settings", "account"),
    [({}, ACCOUNT), (MACHINES, MACHINE), ({"identity": "impersonate", "service_account": TARGET}, TARGET)],
    ids=["key", "machine", "impersonate"],
)
async def test_links_are_signed(settings: dict[str, Any], account: str, front: Front) -> None:
    before = datetime.now(UTC)
    channel = channel_to(front, prefix="eu", **settings)
    link = await channel.signed_link("größe/a b.csv", filename="März.csv", seconds=30 * 24 * 3600)
    assert link.until - before < timedelta(days=7, seconds=30), "Google takes no longer life."
    parts = urlsplit(link.url)
    given = dict(parse_qsl(parts.query))
    assert parts.path == f"/{servers.BUCKET}/{quote('eu/größe/a b.csv')}"
    assert given["X-Goog-Expires"] == str(7 * 24 * 3600)
    assert given["response-content-disposition"].startswith("attachment;")
    assert given["X-Goog-Credential"].startswith(f"{account}/")
    signature = bytes.fromhex(given["X-Goog-Signature"])
    signed_query = parts.query.partition("&X-Goog-Signature=")[0]
    host = f"host:{parts.netloc}\n"
    request = "\n".join(["GET", parts.path, signed_query, host, "host", "UNSIGNED-PAYLOAD"])
    scope = given["X-Goog-Credential"].partition("/")[2]
    digest = hashlib.sha256(request.encode()).hexdigest()
    told = "\n".join(["GOOG4-RSA-SHA256", given["X-Goog-Date"], scope, digest])
    KEY.public_key().verify(signature, told.encode(), padding.PKCS1v15(), hashes.SHA256())
    assert base64.b64encode(signature)
