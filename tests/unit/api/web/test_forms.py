from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from api.web.forms import Form, by_field, flatten, form, nest, summary
from mailroom.errors import Fault, Invalid

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
LEAVES = st.text(max_size=8) | st.lists(st.text(max_size=5), min_size=1, max_size=3)
DATA = st.dictionaries(
    NAMES, st.recursive(LEAVES, lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3), max_leaves=6)
)


def pairs_of(data: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    for name, value in flatten(data).items():
        found += [(name, one) for one in (value if isinstance(value, tuple) else (value,))]
    return found


@given(DATA)
def test_what_is_flat_becomes_what_it_was(data: dict[str, Any]) -> None:
    assert nest(pairs_of(data)) == data


def test_lists_of_things_keep_their_order() -> None:
    data = {"destinations": [{"to": str(number), "formats": ["pdf"]} for number in range(12)]}
    assert nest(reversed(pairs_of(data))) == data


@given(st.lists(st.tuples(st.text(alphabet="ab0-", max_size=8), st.text(max_size=3)), max_size=12))
def test_no_form_breaks_the_reader(pairs: list[tuple[str, str]]) -> None:
    nest(pairs)


def test_a_deep_name_is_left_out() -> None:
    assert nest([("-".join("a" * 5_000), "x"), ("b", "y")]) == {"b": "y"}


def test_the_fields_of_every_form_are_no_input() -> None:
    sent = Form((("csrf_token", "t"), ("once", "o"), ("etag", '"3"'), ("name", " Sales ")))
    assert (sent.nested(), sent.once, sent.etag, sent.text("name")) == ({"name": " Sales "}, "o", '"3"', "Sales")


def test_a_fault_inside_a_field_leads_to_the_field() -> None:
    faults = [Fault("destinations.0.to.16", "No domain.", "Add one."), Fault("formats.0", "?"), Fault("else", "!")]
    found = summary(faults, ["destinations-0-to", "formats-"])
    assert [one.target for one in found] == ["destinations-0-to", "formats-", ""]
    assert by_field(faults)["destinations-0-to-16"] == ("No domain. Add one.",)


def request_with(body: bytes) -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)


async def test_a_form_is_read_as_it_was_typed() -> None:
    pairs = [("name", "Sales"), ("text", "a\r\nb"), ("empty", ""), *((f"x{number}", "1") for number in range(4_997))]
    read = await form(request_with(urlencode(pairs).encode()))
    assert (len(read.pairs), read.raw("text"), read.has("empty")) == (5_000, "a\nb", True)


@pytest.mark.parametrize(
    "pairs",
    [[("name", "a\0b")], [("na\0me", "a")], [(f"x{number}", "1") for number in range(5_001)]],
    ids=["NUL in a value", "NUL in a name", "too many"],
)
async def test_what_no_page_of_ours_sends_is_refused(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(Invalid) as refused:
        await form(request_with(urlencode(pairs).encode()))
    assert [fault.field for fault in refused.value.faults] == ["form"]
