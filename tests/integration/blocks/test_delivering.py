"""`deliver` from a flow of anybody's own, against a real Prefect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect import flow, task
from prefect.settings import PREFECT_API_URL, temporary_settings

from prefect_mailroom import ConfigurationError, Receipt, Refused, RetryLater
from prefect_mailroom.channels.delivering import deliver
from prefect_mailroom.channels.registry import registered
from prefect_mailroom.testing import Recorder, RecordingChannel

ADA, BOB = "ada@example.com", "bob@example.com"
TO = {"channel": "recording", "connection": "delivering", "to": [ADA, BOB], "note": "{report_name} {date}"}


@pytest.fixture
def recorder(prefect_server: str) -> Iterator[Recorder]:
    """Have the connection in Prefect, and what it is given here."""
    with temporary_settings({PREFECT_API_URL: prefect_server}), registered(RecordingChannel):
        RecordingChannel(shared_as="delivering").save("delivering", overwrite=True)
        yield Recorder.named("delivering")
        Recorder.forget("delivering")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sales.csv"
    path.write_text("region,amount\n")
    return path


async def test_a_retry_in_a_flow_keeps_the_keys(recorder: Recorder, file: Path) -> None:
    recorder.answer_next(RetryLater("Busy."), recipient=BOB)

    @task(retries=1, retry_delay_seconds=0)
    async def send() -> list[Receipt]:
        return await deliver([file], TO)

    @flow
    async def nightly() -> list[str]:
        return [receipt.reference for receipt in await send()]

    first = await nightly()
    keys = {to: {parcel.key for parcel in recorder.parcels if parcel.recipient == to} for to in (ADA, BOB)}
    assert [len(keys[to]) for to in (ADA, BOB)] == [1, 1]
    assert len(recorder.parcels) == 4, "everybody is tried again"
    assert first == [*keys[ADA], *keys[BOB]]
    assert await nightly() != first, "another run is another delivery"


async def test_each_recipient_is_tried_and_every_failure_told(recorder: Recorder, file: Path) -> None:
    recorder.answer_next(Refused("No such user."), recipient=ADA)
    with pytest.raises(ExceptionGroup) as failed:
        await deliver([file], TO, title="Sales")
    assert [type(error) for error in failed.value.exceptions] == [Refused]
    assert {parcel.recipient for parcel in recorder.parcels} == {ADA, BOB}
    assert recorder.parcels[0].variables["report_name"] == "Sales"
    recorder.answer_next(Refused("No such user."), recipient=ADA)
    with pytest.raises(Refused):
        await deliver([file], {**TO, "to": [ADA]})


async def test_a_file_that_is_not_there_sends_nothing(recorder: Recorder, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        await deliver([tmp_path / "none.csv"], TO)
    assert refused.value.field == "files"
    assert not recorder.parcels
