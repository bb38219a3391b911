"""The settings of a mail: what a group is, and which settings are refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from prefect_mailroom.channels.email.destination import EmailDestination

PEOPLE = ["ada@example.com", "bob@example.com"]


def mail(**settings: Any) -> EmailDestination:
    return EmailDestination(**{"connection": "corp", "to": PEOPLE, "bcc": ["eve@example.com"], **settings})


def test_a_group_has_one_delivery_that_reaches_everybody() -> None:
    group = mail(each="group")
    assert group.recipients() == ["ada@example.com and 2 more"]
    assert group.reached_by(group.recipients()[0]) == group.addresses() == [*PEOPLE, "eve@example.com"]
    assert [reader.label for reader in group.audience()] == group.addresses()
    assert mail(each="group", to=["ada@example.com"], bcc=[]).recipients() == ["ada@example.com"]
    apart = mail()
    assert apart.recipients() == apart.addresses()
    assert [apart.reached_by(one) for one in apart.recipients()] == [[one] for one in apart.addresses()]


def test_a_test_of_a_group_goes_to_the_one_who_asks_alone() -> None:
    tested = mail(each="group", cc=["cy@example.com"]).for_test("me@example.com")
    assert tested.recipients() == ["me@example.com"]
    assert tested.reached_by("me@example.com") == ["me@example.com"]


def test_who_is_taken_off_a_group_is_gone_from_it() -> None:
    left = mail(each="group").without("ADA@example.com")
    assert left is not None
    assert left.addresses() == ["bob@example.com", "eve@example.com"]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"from_name": "A\r\nBcc: x@example.com"}, "from_name"),
        ({"from_name": "x" * 101}, "from_name"),
        ({"reply_to": "nobody"}, "reply_to"),
        ({"reply_to": "a@example.com\nBcc: x@example.com"}, "reply_to"),
        ({"body": "rich"}, "body"),
        ({"each": "pair"}, "each"),
        ({"thread": "two"}, "thread"),
    ],
)
def test_security_16_settings_that_are_refused(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        mail(**settings)
    assert caught.value.errors()[0]["loc"] == (field,)
