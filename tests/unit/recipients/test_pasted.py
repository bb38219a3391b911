"""A pasted list of recipients, sorted out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.recipients.pasted import sort_out
from prefect_mailroom.text.addresses import mail_address

_LOCAL = st.from_regex(r"[a-z][a-z0-9]{0,8}(\.[a-z0-9]{1,5})?", fullmatch=True)
_ADDRESS = st.builds("{}@{}.org".format, _LOCAL, st.from_regex(r"[a-z]{1,9}", fullmatch=True)).map(mail_address)
_NAME = st.from_regex(r"[A-ZÄÉŁ][a-zäéł]{0,6}( [A-Z][a-z]{0,6})?", fullmatch=True)


def _written(address: str, name: str, style: int) -> str:
    first, _, last = name.partition(" ")
    return (
        address,
        f"<{address}>",
        f"{name} <{address}>",
        f'"{last or "Doe"}, {first}" <{address}>',
        f"{last or 'Doe'}, {first} <{address}>",
        f"{name} {address}",
        f"mailto:{address}",
        f"{name}\t{address}",
        f"\u200b {address}\u202c\u00a0",
    )[style]


@given(
    st.lists(
        st.tuples(_ADDRESS, _NAME, st.integers(0, 8), st.sampled_from(["\n", "; ", "\n\n", ";\n", " \n"])), max_size=30
    )
)
def test_every_address_is_found_however_it_is_written(people: list[tuple[str, str, int, str]]) -> None:
    text = "".join(_written(address, name, style) + end for address, name, style, end in people)

    found = sort_out(text)

    assert found.wrong == ()
    assert list(found.addresses) == list(dict.fromkeys(address for address, *_ in people))
    assert len(found.recognised) + len(found.repeated) == len(people)


@given(st.text(alphabet=st.sampled_from('ab@.,;<>" \t\n\u202e\0é-'), max_size=120), st.lists(_ADDRESS, max_size=3))
def test_nothing_with_an_at_sign_is_lost_and_what_is_found_is_an_address(text: str, taken: list[str]) -> None:
    found = sort_out(text, taken=taken)

    assert all(mail_address(one) == one for one in found.addresses)
    assert len(set(found.addresses)) == len(found.addresses)
    assert not set(found.addresses) & set(taken)
    told = {one.line for one in (*found.recognised, *found.repeated)} | {one.line for one in found.wrong}
    assert told >= {number for number, line in enumerate(text.split("\n"), 1) if "@" in line}
    again = sort_out("\n".join(found.addresses))
    assert (again.addresses, again.wrong, again.repeated) == (found.addresses, (), ())


def test_a_wrong_line_is_named_with_its_number() -> None:
    lines = [f"Person {number} <p{number}@example.org>" for number in range(1, 43)]
    lines[16] = "sales@"
    lines[20] = lines[30] = lines[0]

    found = sort_out("\n".join(lines))

    assert (len(found.recognised), len(found.repeated)) == (39, 2)
    assert [one.line for one in found.repeated] == [21, 31]
    assert [(one.line, one.text, one.why) for one in found.wrong] == [(17, "sales@", "“sales@” has no domain.")]


@pytest.mark.parametrize("text", ["sales", "a b c", "@x.org", "x@", "foo@bar..org", "Sales <>", '"><script>', "a@b@c,"])
def test_what_is_no_address_is_told_with_why(text: str) -> None:
    found = sort_out(text)

    assert found.addresses == ()
    assert [(one.line, bool(one.why)) for one in found.wrong] == [(1, True)]


def test_what_is_told_reads_from_left_to_right() -> None:
    (wrong,) = sort_out("a\u202eb@").wrong

    assert (wrong.text, "\u202e" in wrong.why) == ("a\u202eb@", False)


def test_the_domain_decides_without_case_who_is_the_same() -> None:
    found = sort_out("Ada@x.org\nAda@X.ORG\nada@x.org", taken=["ada@X.org"])

    assert found.addresses == ("Ada@x.org",)
    assert [one.line for one in found.repeated] == [2, 3]


def test_ten_thousand_lines_are_one_pass() -> None:
    lines = [f"Person {number} <person{number % 9_000}@example.org>" for number in range(10_000)]

    found = sort_out("\n".join(lines))

    assert (len(found.recognised), len(found.repeated), found.wrong) == (9_000, 1_000, ())
