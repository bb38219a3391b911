"""Read what a SAS token says about itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from prefect_mailroom.channels.azure import sas
from prefect_mailroom.errors import ConfigurationError

OF_CONTAINER = "sv=2024-11-04&st=2026-01-01T00%3A00%3A00Z&se=2026-03-01T12%3A30%3A00Z&sr=c&sp=rcwd&sig=c2ln"
OF_ACCOUNT = "sv=2024-11-04&ss=bf&srt=sco&sp=rwdlac&se=2026-03-01&sig=c2ln"
NOW = datetime(2026, 2, 1, tzinfo=UTC)


def test_of_a_container() -> None:
    found = sas.read(f"?{OF_CONTAINER}")
    assert found.ends == datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    assert found.begins == datetime(2026, 1, 1, tzinfo=UTC)
    assert (found.permissions, found.of_account) == ("rcwd", False)


def test_of_an_account() -> None:
    found = sas.read(OF_ACCOUNT)
    assert (found.ends, found.begins, found.of_account) == (datetime(2026, 3, 1, tzinfo=UTC), None, True)


def test_by_a_policy() -> None:
    found = sas.read("sv=2024-11-04&si=reports&sr=c&sig=c2ln")
    assert found.ends is None
    sas.refuse_out_of_time(found, NOW)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nothing",
        f"https://contoso.blob.core.windows.net/reports?{OF_CONTAINER}",
        OF_CONTAINER.replace("sig=c2ln", ""),
        OF_CONTAINER.replace("se=", "xx="),
        OF_CONTAINER.replace("sr=c", "sr=b"),
        OF_CONTAINER.replace("sp=rcwd", "sp=cwd"),
        OF_CONTAINER.replace("sp=rcwd", "sp=rd"),
        OF_CONTAINER.replace("sp=rcwd", "sp=rw"),
        OF_CONTAINER.replace("2026-03-01T12%3A30%3A00Z", "tomorrow"),
        OF_ACCOUNT.replace("ss=bf", "ss=f"),
        OF_ACCOUNT.replace("srt=sco", "srt=s"),
    ],
)
def test_what_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        sas.read(token)
    assert "c2ln" not in str(refused.value)


@pytest.mark.parametrize(
    ("now", "is_good"),
    [
        (NOW, True),
        (datetime(2025, 12, 31, tzinfo=UTC), False),
        (datetime(2026, 3, 1, 12, 29, 59, tzinfo=UTC), True),
        (datetime(2026, 3, 1, 12, 30, tzinfo=UTC), False),
    ],
)
def test_its_time(now: datetime, is_good: bool) -> None:
    found = sas.read(OF_CONTAINER)
    if is_good:
        sas.refuse_out_of_time(found, now)
    else:
        with pytest.raises(ConfigurationError) as refused:
            sas.refuse_out_of_time(found, now)
        assert refused.value.field == "sas_token"


def test_an_end_that_is_near_is_said() -> None:
    found = sas.read(OF_CONTAINER)
    assert found.ends is not None
    assert "2026-03-01 at 12:30" in found.said(NOW)
    far, near = (found.said(found.ends - sas.SOON + step) for step in (timedelta(0), timedelta(seconds=1)))
    assert far != near
