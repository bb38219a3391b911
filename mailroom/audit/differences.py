"""Say what differs between before and after. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

LONGEST = 2000
"""How many characters of JSON a part may have to be kept as it is; an entry is no copy of a template."""


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return before and after of each part that differs; None where it was not there, a digest where it is long."""
    names = [*before, *(name for name in after if name not in before)]
    return {
        name: [_kept(before.get(name)), _kept(after.get(name))] for name in names if before.get(name) != after.get(name)
    }


def _kept(value: Any) -> Any:
    text = json.dumps(value, sort_keys=True, default=str)
    if len(text) <= LONGEST:
        return value
    return {"sha256": sha256(text.encode()).hexdigest(), "characters": len(text)}
