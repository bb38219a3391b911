"""The model of a report, behind `report.yaml`, the reports table and `/api/v1/reports`.

A definition is self-contained: the SQL and the template are inside it, so every process that holds the row can
render it, and `version` (a digest of all of it) changes with anything that changes the output.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Slug = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[a-z][a-z0-9_]*$")]


class Format(StrEnum):
    """A file that a report can be rendered to."""

    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    HTML = "html"
    PNG = "png"


MEDIA_TYPES: dict[str, str] = {
    Format.PDF: "application/pdf",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSON: "application/json",
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.HTML: "text/html",
    Format.PNG: "image/png",
}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SqlSource(_Model):
    """Rows from a database. `queries` maps a query's name to one SELECT with `:name` parameters."""

    kind: Literal["sql"]
    connection: Slug
    queries: dict[Name, str] = Field(min_length=1)


class HttpSource(_Model):
    """An export endpoint of another product.

    `path` is appended to the connection's base URL, `query` becomes its query string (`{parameter}` is replaced).
    `content` says what comes back; `pass_on` keeps the file as it is, else its rows (csv, json) are rendered anew.
    """

    kind: Literal["http"]
    connection: Slug
    path: str = Field(max_length=2000)
    query: dict[str, str] = Field(default_factory=dict)
    content: Literal["csv", "json", "xlsx", "pdf"]
    rows_at: str = Field(default="", description="For content json: the JSON pointer to the array of rows.")
    pass_on: bool = False
    as_owner: bool = Field(
        default=False,
        # Reports that do not say it keep their version.
        exclude_if=lambda value: not value,
        description=(
            "Whether the source is told, signed, for whom the report is made: the owner of the schedule, or who "
            "previews it. The connection has to say `identity: true`. Such a report is rendered anew for each owner."
        ),
    )


class ShellSource(_Model):
    """A command that writes its files to `$MAILROOM_OUTPUT`. Parameters arrive as `MAILROOM_PARAM_<NAME>`."""

    kind: Literal["shell"]
    connection: Slug
    command: list[str] = Field(min_length=1, description="The program and its arguments. No shell expands them.")
    timeout_seconds: int = Field(default=600, ge=1, le=6 * 3600)


Source = Annotated[SqlSource | HttpSource | ShellSource, Field(discriminator="kind")]
NumberFormat = Literal["text", "integer", "decimal", "percent", "money", "date", "datetime", "minutes"]


class Column(_Model):
    """The presentation of a query's column. `currency` is an ISO 4217 code, for `format: money`."""

    name: str
    label: str = ""
    format: NumberFormat | None = None
    decimals: int = Field(default=1, ge=0, le=6)
    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$")
    align: Literal["left", "right"] | None = None

    @property
    def title(self) -> str:
        """Return the heading: the label, or the name in words."""
        return self.label or self.name.replace("_", " ").capitalize()


class TextSection(_Model):
    """A paragraph; `{{ parameter }}` and `{{ query.column }}` of a query's first row are filled in, nothing else."""

    kind: Literal["text"]
    heading: str = ""
    text: str = Field(max_length=20_000)


class KeyFiguresSection(_Model):
    """A row of large numbers: the columns of the query's first row. `compare` maps a figure to its earlier value."""

    kind: Literal["key_figures"]
    heading: str = ""
    query: Name
    columns: list[Column] = Field(min_length=1, max_length=8)
    compare: dict[str, str] = Field(default_factory=dict)


class ChartSection(_Model):
    """A chart of a query's rows: `x` across, one or more `y` columns, or `series` to split one `y` by a column."""

    kind: Literal["chart"]
    heading: str = ""
    query: Name
    chart: Literal["bar", "horizontal_bar", "stacked_bar", "line", "area"]
    x: Column
    y: list[Column] = Field(min_length=1, max_length=6)
    series: str = ""
    max_points: int = Field(default=500, ge=1, le=5000)
    alt: str = Field(default="", description="A description of the chart for readers who cannot see it.")


class TableSection(_Model):
    """Rows of a query. `max_rows` caps what PDF, HTML and PNG show, visibly; XLSX, CSV, JSON, Parquet hold all rows."""

    kind: Literal["table"]
    heading: str = ""
    query: Name
    columns: list[Column] = Field(
        default_factory=list, description=("The columns to show. If empty, every column of the query is shown.")
    )
    max_rows: int = Field(default=1000, ge=1, le=10_000)


Section = Annotated[TextSection | KeyFiguresSection | ChartSection | TableSection, Field(discriminator="kind")]


class ReportDefinition(_Model):
    """A report: source, parameters, sections, formats. Refuses what can never render."""

    id: Slug
    title: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=2000)
    owner: str = Field(default="", max_length=200)
    source: Source
    parameters: dict[str, Any] = Field(
        default_factory=lambda: {"type": "object", "properties": {}},
        description="A JSON Schema of type object. `default` and `title` of each property are used.",
    )
    sections: list[Section] = Field(default_factory=list, max_length=40)
    formats: list[Format] = Field(min_length=1)
    data: Name | None = Field(
        default=None,
        description=(
            "The query whose rows go into the data files (CSV, JSON, Parquet). The default is the query of "
            "the first table."
        ),
    )
    template: str | None = Field(
        default=None, description=("A Jinja2 template of the report itself, for mail and HTML output.")
    )
    data_window: str | None = Field(
        default=None,
        description=(
            "The parameters that limit the period of the data, such as 'from..to'; shown in titles and receipts."
        ),
    )

    @property
    def version(self) -> str:
        """Return the digest of everything that can change the output: 64 hex characters."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def data_query(self) -> str | None:
        """Return the query of the data files, or None for a report without rows of its own."""
        if self.data:
            return self.data
        tables = [section.query for section in self.sections if isinstance(section, TableSection)]
        if tables:
            return tables[0]
        if isinstance(self.source, SqlSource):
            return next(iter(self.source.queries))
        return "rows" if isinstance(self.source, HttpSource) else None

    @property
    def query_names(self) -> list[str]:
        """Return the queries that sections may show: those of SQL, `rows` of an HTTP source, none of a command."""
        if isinstance(self.source, SqlSource):
            return list(self.source.queries)
        return ["rows"] if isinstance(self.source, HttpSource) else []

    @model_validator(mode="after")
    def _queries_exist(self) -> ReportDefinition:
        used: dict[tuple[str | int, ...], str] = {
            ("sections", index, "query"): section.query
            for index, section in enumerate(self.sections)
            if not isinstance(section, TextSection)
        }
        if self.data:
            used[("data",)] = self.data
        for at, query in used.items():
            if query not in self.query_names:  # `at` leads report folders to the line
                raise PydanticCustomError(
                    "unknown_query",
                    "{where} uses the query '{query}', but the source has: {known}",
                    {
                        "at": at,
                        "where": ".".join(str(part) for part in at),
                        "query": query,
                        "known": ", ".join(self.query_names) or "none",
                    },
                )
        return self
