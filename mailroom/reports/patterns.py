"""Match the `pattern` of a parameter in time that grows with the text alone, whatever the pattern is.

Python's own engine takes hours for `^(a+)+$` and forty letters, and nothing can stop it meanwhile. RE2 has neither
look-around nor back references, which is what makes it safe: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import re2
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

_MOST_MEMORY = 1 << 20
"""Bytes of a compiled pattern; one that needs more is refused."""


@lru_cache(maxsize=1000)
def _compiled(pattern: str) -> Any:
    """Return the pattern, ready to be searched for; an `re2.error` says why it cannot be."""
    options = re2.Options()
    options.max_mem = _MOST_MEMORY
    options.log_errors = False
    return re2.compile(pattern, options=options)


def fault_of(pattern: str) -> str:
    """Return why a pattern cannot be used, or nothing."""
    try:
        _compiled(pattern)
    except re2.error as error:
        why = error.args[0] if error.args else ""
        return why.decode(errors="replace") if isinstance(why, bytes) else str(why)
    except UnicodeEncodeError:
        return "it holds half a character"
    return ""


def _matches(validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """Check the keyword `pattern`, in jsonschema's form of such a check."""
    if not validator.is_type(instance, "string"):
        return
    if why := fault_of(pattern):
        yield ValidationError(f"The pattern {pattern[:60]!r} cannot be used: {why}.")
        return
    try:
        found = _compiled(pattern).search(instance) is not None
    except UnicodeEncodeError:  # Half a character matches nothing.
        found = False
    if not found:
        yield ValidationError(f"{instance[:60]!r} does not match {pattern[:60]!r}")


_extend: Any = validators.extend  # Its stub has no types.
SchemaValidator = _extend(Draft202012Validator, {"pattern": _matches})
"""Checks values against a report's schema, as JSON Schema 2020-12 says."""
