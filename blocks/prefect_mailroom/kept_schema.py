"""The schema of a block class, worked out once.

Prefect works it out anew for each field of each block that it saves: a connection took its client a third of a second
of CPU, during which an API process answered nobody else.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Hashable
from typing import Any, Literal, cast

from prefect.blocks.core import Block
from pydantic.json_schema import GenerateJsonSchema

Mode = Literal["validation", "serialization"]


@functools.cache
def _written(make: Callable[..., dict[str, Any]], *arguments: object) -> str:
    return json.dumps(make(*arguments))


class KeptSchema(Block):
    """A block class whose schema is worked out at the first call and kept; each call returns a copy of its own."""

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
