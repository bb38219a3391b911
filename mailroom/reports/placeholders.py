"""`{parameter}` in the values of a query string: replaced by the parameter's value, once, and nothing more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def names_in(text: str) -> list[str]:
    """Return the parameters that a text refers to."""
    return _PLACE.findall(text)


def fill(text: str, values: Mapping[str, Any]) -> str:
    """Return the text with each `{name}` replaced; None becomes nothing, booleans `true` and `false`."""
    return _PLACE.sub(lambda match: _written(values[match[1]]), text)


def _written(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
