"""docs/access.md says what the permission table says."""

from __future__ import annotations

from mailroom.access.permissions import TABLE
from scripts.access_page import PAGE, page


def test_the_page_is_made_from_the_table() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"


def test_every_permission_is_on_the_page() -> None:
    text = page()
    assert [action for action in TABLE if f"| `{action}` |" not in text] == []
    assert "{permissions}" not in text
