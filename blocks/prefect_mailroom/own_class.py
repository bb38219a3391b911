"""Load blocks without looking for their class among every installed collection, which would import all of them.

A stored block names its type. Prefect then asks each collection for that type: with the clients of three clouds that is
180 MB and two seconds of CPU, in each process that uses one mail connection. Where the name is that of the class that
is being made, there is nothing to look for.
"""

from __future__ import annotations

from typing import Any, Self

from prefect.blocks.core import Block

from prefect_mailroom.kept_schema import KeptSchema

_SLUG = "block_type_slug"


class OwnClass(KeptSchema):
    """A block that is made as the class that it is called by, if its stored type is that."""

    def __new__(cls, **given: Any) -> Self:
        """Make one; only another type is left to Prefect to find."""
        if given.get(_SLUG) == cls.get_block_type_slug():
            del given[_SLUG]
        return super().__new__(cls, **given)


def without_slug(value: Any, block: type[Block]) -> Any:
    """Return the stored values of a block within another one without its type, if it is this class. Pure."""
    if isinstance(value, dict) and value.get(_SLUG) == block.get_block_type_slug():
        return {name: one for name, one in value.items() if name != _SLUG}
    return value
