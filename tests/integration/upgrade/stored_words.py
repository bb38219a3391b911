"""Print the fields and words that the programs on the path store: those of specs, of tables, of destinations.

Run as a program of its own, so that the version before can print its own.
"""

from __future__ import annotations

import json
import pkgutil
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Enum

from mailroom.reports.spec import ReportDefinition
from mailroom.schedules.spec import ScheduleSpec
from mailroom.storage import (
    model,
    stop_tables,  # noqa: F401  # Its tables belong to the metadata as well.
)
from mailroom.storage.tables import Table
from prefect_mailroom.channels.registry import CHANNELS


def of_model(model: type[BaseModel]) -> Iterator[str]:
    """Return the fields of a model and of those in it, and the words that they may have."""
    schema: dict[str, Any] = model.model_json_schema()
    for name, one in {"": schema, **schema.get("$defs", {})}.items():
        where = f"{model.__name__}.{name}"
        yield from (f"{where}.{field}" for field in one.get("properties", {}))
        yield from (f"{where}={word}" for word in one.get("enum", []))


def everything() -> Iterator[str]:
    """Return all that is stored."""
    # Whoever runs this may have imported some of the tables, all or none.
    for found in pkgutil.walk_packages(model.__path__, f"{model.__name__}."):
        import_module(found.name)
    models: list[type[BaseModel]] = [ScheduleSpec, ReportDefinition]
    for spec in [*models, *(one.destination_type for one in CHANNELS.values())]:
        yield from of_model(spec)
    for table in Table.metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, Enum):
                yield from (f"{table}.{column.name}={word}" for word in column.type.enums)


if __name__ == "__main__":
    json.dump(sorted(set(everything())), sys.stdout)
