"""Tokens of links: what is signed is read back, and nothing else is."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.links.tokens import CHARACTERS, Claim, Purpose, read, sign
from mailroom.storage.database import new_id

KEY, FORMER = "k" * 32, "f" * 32
NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
D, U = Purpose.DOWNLOAD, Purpose.UNSUBSCRIBE


@given(st.uuids(), st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_what_is_signed_is_read_back(delivery: object, ends_at: datetime | None) -> None:
    claim = Claim(str(delivery), ends_at and ends_at.replace(microsecond=0))
    token = sign(D, claim, KEY)
    assert read(D, token, [KEY]) == claim
    assert len(token) == CHARACTERS
    assert set(token) <= set(string.ascii_letters + string.digits + "-_"), "it can stand in an address as it is"


def test_security_23_one_character_that_differs_makes_it_worthless() -> None:
    token = sign(D, Claim(new_id(), NOW), KEY)
    for place, one in enumerate(token):
        other = "A" if one != "A" else "B"
        assert read(D, token[:place] + other + token[place + 1 :], [KEY]) is None, place


@pytest.mark.parametrize(
    "token", ["", "x", "=" * 48, "é" * 48, "A" * 47, "A" * 49, "A" * 48, "\x00" * 48, "A" * 100_000]
)
def test_what_is_no_token_is_none(token: str) -> None:
    assert read(D, token, [KEY]) is None


def test_security_41_a_link_of_the_former_key_opens_until_that_is_taken_away() -> None:
    claim = Claim(new_id(), NOW)
    token = sign(D, claim, FORMER)
    assert read(D, token, [KEY, FORMER]) == claim
    assert read(D, token, [KEY]) is None
    assert read(D, token, []) is None


def test_a_link_of_one_purpose_is_worth_nothing_for_another() -> None:
    claim = Claim(new_id(), NOW + timedelta(days=1))
    assert read(U, sign(D, claim, KEY), [KEY]) is None
    assert read(D, sign(U, claim, KEY), [KEY]) is None
