"""Change JSON by an RFC 7396 merge patch, https://www.rfc-editor.org/rfc/rfc7396."""

from __future__ import annotations

from typing import Any


def merge_patch(target: Any, patch: Any) -> Any:
    """Return what results from an RFC 7396 merge patch: JSON, in which a null takes a member away. Pure."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result
