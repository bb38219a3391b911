"""Say which methods an address takes, for the Allow header of a 405.

The framework names those of one route alone, and here each method is a route of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.routing import compile_path


def methods_of(paths: Mapping[str, Mapping[str, Any]], path: str) -> list[str]:
    """Return the methods of the documented address that this path is, in order. Pure.

    Args:
        paths: the `paths` of the OpenAPI document. Of several that fit, the one with the fewest parameters counts:
            `/schedules/bulk` is no schedule.
    """
    fitting = [template for template in paths if compile_path(template)[0].match(path)]
    if not fitting:
        return []
    template = min(fitting, key=lambda one: one.count("{"))
    return sorted(method.upper() for method in paths[template] if method != "parameters")
