"""Over TLS, to a store whose certificate is trusted, and to none else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.testing.outcomes import failure
from tests.integration.blocks.conftest import MakeCertificate
from tests.integration.blocks.gcs.far_side import channel_to
from tests.integration.blocks.gcs.test_uploads import LARGE, parcel
from tests.support.certificates import Certificate
from tests.support.gcs import servers
from tests.support.gcs.front import Front, front_of


@pytest.fixture
def certificate(make_certificate: MakeCertificate) -> Certificate:
    return make_certificate()


@pytest.fixture
def front(upstream: int, certificate: Certificate) -> Iterator[Front]:
    """Return the front of the emulator, encrypted."""
    servers.empty(upstream)
    with front_of(upstream, certificate.context) as front:
        yield front


async def test_files_arrive_encrypted(front: Front, upstream: int, certificate: Certificate, tmp_path: Path) -> None:
    channel = channel_to(front, ca_certificates=certificate.pem)
    steps = Steps()
    await channel.check(steps)
    assert [step.name for step in steps.done][:4] == [
        StepName.RESOLVE, StepName.CONNECT, StepName.ENCRYPT, StepName.LOGIN,
    ]  # fmt: skip
    await channel.deliver(parcel(tmp_path, LARGE))
    assert servers.objects(upstream) == {"month.csv": LARGE}, "The files differ."


async def test_a_certificate_that_is_not_trusted_gets_neither_token_nor_file(front: Front, tmp_path: Path) -> None:
    steps = Steps()
    for ask in (channel_to(front).deliver(parcel(tmp_path, b"1")), channel_to(front).check(steps)):
        error = await failure(ask)
        assert isinstance(error, ConfigurationError), repr(error)
        assert error.field == "endpoint"
    assert steps.done[-1].name is StepName.ENCRYPT
    assert front.asked == front.identities.asked == []
