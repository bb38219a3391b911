"""The schema and the slug of a block class, worked out once.

Prefect works it out anew for each field of each block that it saves: a connection took its client a third of a second
of CPU, during which an API process answered nobody else. The slug takes a millisecond, since each call looks for a
module that is not installed.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Hashable
from types import MethodType
from typing import Any, Literal, cast

from prefect.blocks.core import Block
from pydantic.json_schema import GenerateJsonSchema

Mode = Literal["validation", "serialization"]


@functools.cache
def _written(make: Callable[..., dict[str, Any]], *arguments: object) -> str:
    return json.dumps(make(*arguments))


@functools.cache
def _slug(make: Callable[[], str]) -> str:
    return make()


class KeptSchema(Block):
    """A block class whose schema is worked out at the first call and kept; each call returns a copy of its own."""

    @classmethod
    def get_block_type_slug(cls) -> str:
        """Return the slug of the class, as Prefect makes it."""
        return _slug(super().get_block_type_slug)

    @classmethod
    def model_json_schema(  # type: ignore[override]  # As Prefect has it, without pydantic's `union_format`.
        cls,
        by_alias: bool = True,
        ref_template: str = "#/definitions/{model}",
        schema_generator: type[GenerateJsonSchema] = GenerateJsonSchema,
        mode: Mode = "validation",
    ) -> dict[str, Any]:
        """Return the schema, as Prefect makes it."""
        # mypy takes the hash of a class for that of its instances.
        generator = cast("Hashable", schema_generator)
        # A bound method equals another one of the same class, so that each class has its own.
        written = _written(super().model_json_schema, by_alias, ref_template, generator, mode)
        found: dict[str, Any] = json.loads(written)
        return found


def keep_schema(block: type[Block]) -> None:
    """Let a block class that is not ours keep its schema and its slug as well, in this process.

    It is asked for them for each field of each of our blocks that holds one of its class.
    """
    # mypy takes both for functions.
    make = Block.model_json_schema.__func__  # type: ignore[attr-defined]
    make_slug = Block.get_block_type_slug.__func__  # type: ignore[attr-defined]

    def slug(cls: type[Block]) -> str:
        return _slug(MethodType(make_slug, cls))

    def kept(
        cls: type[Block],
        by_alias: bool = True,
        ref_template: str = "#/definitions/{model}",
        schema_generator: type[GenerateJsonSchema] = GenerateJsonSchema,
        mode: Mode = "validation",
    ) -> dict[str, Any]:
        generator = cast("Hashable", schema_generator)
        found: dict[str, Any] = json.loads(_written(MethodType(make, cls), by_alias, ref_template, generator, mode))
        return found

    block.get_block_type_slug = classmethod(slug)  # type: ignore[assignment, method-assign]  # That is what it becomes.
    block.model_json_schema = classmethod(kept)  # type: ignore[assignment, method-assign]  # As before.
