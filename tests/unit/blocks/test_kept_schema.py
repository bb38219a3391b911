"""The schema of a block class is Prefect's, but worked out once."""

from __future__ import annotations

from typing import Any

import pytest
from prefect.blocks.core import Block
from prefect_email import EmailServerCredentials
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from mailroom.connections.kinds import block_types
from prefect_mailroom.kept_schema import KeptSchema


@pytest.mark.parametrize("kind", block_types())
@pytest.mark.parametrize("by_alias", [True, False])
def test_it_is_the_one_that_prefect_makes(kind: str, by_alias: bool) -> None:
    block = block_types()[kind]
    assert issubclass(block, KeptSchema)
    assert block.model_json_schema(by_alias) == super(KeptSchema, block).model_json_schema(by_alias)


def test_each_class_has_its_own_and_each_call_a_copy() -> None:
    schemas = {kind: block.model_json_schema() for kind, block in block_types().items()}
    assert len({schema["block_type_slug"] for schema in schemas.values()}) == len(schemas)
    kept = {kind: dict(schema) for kind, schema in schemas.items()}
    for schema in schemas.values():
        schema.clear()
    assert {kind: block.model_json_schema() for kind, block in block_types().items()} == kept


def test_the_class_of_the_credentials_has_the_schema_and_slug_that_prefect_makes() -> None:
    kept = EmailServerCredentials.model_json_schema()
    assert kept == Block.model_json_schema.__func__(EmailServerCredentials)  # type: ignore[attr-defined]
    assert kept["block_type_slug"] == EmailServerCredentials.get_block_type_slug() == "email-server-credentials"


@pytest.mark.parametrize("block", [block_types()["email"], EmailServerCredentials])
def test_it_is_worked_out_once(block: type[Block]) -> None:
    made: list[str] = []

    class Counting(GenerateJsonSchema):
        def generate(self, schema: Any, mode: JsonSchemaMode = "validation") -> dict[str, Any]:
            made.append(mode)
            return super().generate(schema, mode)

    for _ in range(3):
        assert block.model_json_schema(schema_generator=Counting)["secret_fields"]
    assert made == ["validation"]
