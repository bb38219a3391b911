"""Bodies that are read by the domain, so that one place says what is wrong, and documented as their models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi.openapi.models import Example
from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


@dataclass(frozen=True)
class DocumentedAs:
    """Annotates `dict[str, Any]` as an object whose schema is the model's."""

    model: type[BaseModel]

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the schema of the model."""
        return handler(self.model.__pydantic_core_schema__)


def examples(**named: Any) -> dict[str, Example]:
    """Return `openapi_examples=` from names and values."""
    return {name: Example(summary=name.replace("_", " "), value=value) for name, value in named.items()}
