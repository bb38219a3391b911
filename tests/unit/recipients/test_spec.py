"""Who is one person, which entries of the list mean an address, and what stands in place of an erased one."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mailroom.errors import Invalid
from mailroom.recipients.erase import replacer
from mailroom.recipients.spec import NewSuppression, entries_for, is_erased, person, person_asked, pseudonym
from prefect_mailroom.channels.email.destination import EmailDestination

SECRET = "s" * 32


def test_spellings_that_differ_in_case_are_one_person() -> None:
    assert person("Ada.L@EXAMPLE.com") == person("ada.l@example.com") == "ada.l@example.com"
    assert person("ada@bücher.example") == "ada@xn--bcher-kva.example"


@pytest.mark.parametrize("text", ["", "ada", "a b@example.com", "ada@example.com\n", "@example.com", "a@b@c"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        person_asked(text)
    assert [fault.field for fault in refused.value.faults] == ["address"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("ADA@Example.com", "ada@example.com"),
        ("@Example.COM", "@example.com"),
        ("@bücher.example", "@xn--bcher-kva.example"),
    ],
)
def test_a_suppression_is_an_address_or_a_domain(given: str, kept: str) -> None:
    assert NewSuppression(address=given, reason=" She asked. ").model_dump() == {
        "address": kept,
        "reason": "She asked.",
    }


@pytest.mark.parametrize(
    "body",
    [
        {"address": "example.com", "reason": "x"},
        {"address": "@", "reason": "x"},
        {"address": "@a@b", "reason": "x"},
        {"address": "ada@example.com", "reason": " "},
        {"address": "ada@example.com", "reason": "a\nb"},
        {"address": "ada@example.com"},
    ],
)
def test_a_wrong_suppression_is_refused(body: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        NewSuppression.model_validate(body)


def test_a_recipient_is_kept_from_by_its_address_and_its_domain_alone() -> None:
    assert entries_for("Ada@Mail.example.com") == ["ada@mail.example.com", "@mail.example.com"]
    assert entries_for("shared") == [], "a folder is nobody"


def test_a_pseudonym_is_stable_and_needs_the_secret() -> None:
    assert pseudonym("ada@example.com", SECRET) == pseudonym("ada@example.com", SECRET)
    assert pseudonym("ada@example.com", SECRET) != pseudonym("ada@example.com", "t" * 32)
    assert pseudonym("ada@example.com", SECRET) != pseudonym("Ada@example.com", SECRET), "else two deliveries are one"
    assert is_erased(pseudonym("ada@example.com", SECRET))
    assert person(pseudonym("ada@example.com", SECRET)), "a stored destination can still be read"


def test_an_address_is_replaced_wherever_it_stands_and_no_other_is() -> None:
    replace = replacer("ada@example.com", SECRET)
    erased = pseudonym("ada@example.com", SECRET)
    shown = {"to": ["ada@example.com", "bob@example.com"], "rows": 3, "ada@example.com": None}
    assert replace(shown) == {"to": [erased, "bob@example.com"], "rows": 3, erased: None}
    assert replace("<ada@example.com>: no such user. Not confirmed: ada@example.com.") == (
        f"<{erased}>: no such user. Not confirmed: {erased}."
    )
    assert "Ada" not in replace("Ada@Example.com")
    for other in ("x.ada@example.com", "x+ada@example.com", "ada@example.com.au", "ada@example.community"):
        assert replace(other) == other


def test_a_mail_without_one_of_its_recipients() -> None:
    mail = EmailDestination(connection="smtp", to=["ada@example.com"], cc=["Bob@example.com"], bcc=["ADA@example.com"])
    left = mail.without("ada@example.com")
    assert left is not None
    assert (left.to, left.cc, left.bcc) == ([], ["Bob@example.com"], [])
    assert left.without("bob@example.com") is None
    assert mail.without("eve@example.com") == mail
