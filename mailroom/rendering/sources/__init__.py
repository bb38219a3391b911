"""Readers: a job's way to its data, inside a renderer process. Nothing here imports Prefect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailroom.rendering.document.rows import Reader
from mailroom.rendering.job import Limits
from mailroom.reports.spec import HttpSource, ReportDefinition, SqlSource
from prefect_mailroom.errors import ConfigurationError


def open_reader(
    definition: ReportDefinition, access: Mapping[str, Any], parameters: Mapping[str, Any], limits: Limits
) -> Reader:
    """Open the source of a report.

    Args:
        access: what the connection's block gave (`SqlSource.access()`, `HttpSource.access()`); holds secrets.
        parameters: final values (`resolve_parameters`).

    Raises:
        SourceUnavailable, SourceRefused, ConfigurationError: the source cannot be reached or used.
    """
    source = definition.source
    if isinstance(source, SqlSource | HttpSource) and access.get("kind") != source.kind:
        raise ConfigurationError(
            f"The connection '{source.connection}' cannot be used for {source.kind} sources.",
            remedy=f"Use a connection of kind {source.kind} in the report, or create one with this name.",
            field="source.connection",
        )
    if isinstance(source, SqlSource):
        from mailroom.rendering.sources.sql import SqlReader  # noqa: PLC0415  # SQLAlchemy only where it is needed

        return SqlReader(definition, source, access, parameters, limits)
    if isinstance(source, HttpSource):
        from mailroom.rendering.sources.http import HttpReader  # noqa: PLC0415  # httpx only where it is needed

        return HttpReader(source, access, parameters, limits)
    raise ConfigurationError(
        "A shell source has no rows. The files that it creates are the report.",
        remedy="Remove the sections. The files that the command creates are delivered as they are.",
    )
