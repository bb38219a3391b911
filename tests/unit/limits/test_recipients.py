"""A schedule has a limited number of recipients, and its mails go only to domains that are allowed."""

from __future__ import annotations

import pytest

from mailroom.limits.decide import limits_for
from mailroom.limits.recipients import above_limits, is_allowed, recipient_faults
from mailroom.limits.spec import Limits
from mailroom.setting_groups.limits import read_domains
from mailroom.settings import Settings
from mailroom.storage.tables import User
from prefect_mailroom.channels.email.destination import EmailDestination


def limits(**changed: object) -> Limits:
    return limits_for(User(id="u", email="ada@example.com"), Settings.model_validate({"limits": changed}))


def mail(*to: str, count: int = 0) -> EmailDestination:
    more = [f"p{number}@example.com" for number in range(count)]
    return EmailDestination(connection="smtp", to=[*to, *more])


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("ada@example.com", True),
        ("ada@EXAMPLE.com", True),
        ("ada@sub.example.com", False),
        ("ada@example.com.evil.net", False),
        ("ada@evilexample.com", False),
        ("ada@mail.example.org", True),
        ("ada@a.b.example.org", True),
        ("ada@example.org", False),
        ("ada@evilexample.org", False),
        ("ada@xn--bcher-kva.example", True),
        ("ada@bucher.example", False),
        # The last @ is what a mail server goes by.
        ('"ada@example.com"@evil.net', False),
    ],
)
def test_security_48_mails_go_to_listed_domains_alone(address: str, allowed: bool) -> None:
    domains = read_domains("Example.com, *.example.org  BÜCHER.example")
    assert is_allowed(address, domains) is allowed


def test_without_a_list_mails_go_everywhere() -> None:
    assert is_allowed("ada@anywhere.net", read_domains(" , "))


def test_an_international_domain_is_compared_as_name_servers_know_it() -> None:
    destination = mail("ada@bücher.example", "bob@straße.example")
    found = limits(recipient_domains="bücher.example")
    (fault,) = recipient_faults([destination], found)
    assert fault.limited is not None
    assert (fault.field, fault.limited.name) == ("destinations.0", "recipient_domains")
    assert fault.limited.used == "xn--strae-oqa.example"


def test_security_48_a_mail_has_so_many_recipients() -> None:
    assert recipient_faults([mail(count=50), mail(count=50)], limits()) == []
    (fault,) = recipient_faults([mail(count=3), mail(count=51)], limits())
    assert fault.limited is not None
    assert (fault.field, fault.limited.limit, fault.limited.used) == ("destinations.1", 50, 51)
    assert fault.limited.ask


def test_security_48_many_mails_of_one_schedule_are_limited_together() -> None:
    (fault,) = recipient_faults([mail(count=50)] * 6, limits())
    assert fault.limited is not None
    assert (fault.field, fault.limited.name, fault.limited.used) == ("destinations", "schedule_recipients", 300)


def test_what_was_there_before_a_limit_may_stay_and_not_grow() -> None:
    narrow = limits(recipients=5, schedule_recipients=5)
    assert recipient_faults([mail(count=9)], narrow, before=[mail(count=9)]) == []
    assert recipient_faults([mail(count=8)], narrow, before=[mail(count=9)]) == []
    assert len(recipient_faults([mail(count=10)], narrow, before=[mail(count=9)])) == 2
    assert [one.name for one in above_limits([mail(count=9)], narrow)] == ["recipients", "schedule_recipients"]


def test_every_member_of_a_group_counts() -> None:
    group = mail(count=3).model_copy(update={"each": "group"})
    faults = recipient_faults([group], limits(schedule_recipients=2))
    assert [fault.limited.used for fault in faults if fault.limited] == [3]
