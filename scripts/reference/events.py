"""Keep the tables of docs/product-events.md as the events are."""

from __future__ import annotations

import re

from mailroom.setting_groups.product_events import ProductEventType

_TABLE = re.compile(r"^\| Event \| When \|\n(?:\|.*\n)+", re.MULTILINE)
_BESIDE = {ProductEventType.SCHEDULE_SUSPENDED: "`cause` says why: `failures`, `report`, `owner`, `undelete`."}


def with_table(page: str) -> str:
    """Return the page with the table of its events made from their docstring; its prose is written by hand."""
    words = " ".join((ProductEventType.__doc__ or "").split())
    parts = re.split(rf"({'|'.join(map(re.escape, ProductEventType))}): ", words)[1:]
    meanings = dict(zip(parts[::2], parts[1::2], strict=True))
    rows = [
        f"| `{one}` | {_sentence(meanings[one].strip())}{' ' + _BESIDE[one] if one in _BESIDE else ''} |"
        for one in ProductEventType
    ]
    made = "\n".join(["| Event | When |", "|---|---|", *rows]) + "\n"
    return _TABLE.sub(lambda _: made, page, count=1)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
