"""The job that goes to a renderer process, and the result that comes back. Plain data: it crosses a pipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from mailroom.rendering.facts.model import Asked, DataFacts
from mailroom.reports.spec import Format, ReportDefinition


class Limits(BaseModel):
    """The limits of a rendering; when it wants more, it is ended with an error that names the limit."""

    model_config = ConfigDict(frozen=True)

    seconds: float = Field(default=600, gt=0)
    memory_mb: int = Field(default=2048, gt=0, description="Beyond what the renderer holds before it begins.")
    output_mb: int = Field(default=2048, gt=0, description="Per file.")
    rows: int = Field(default=20_000_000, gt=0, description="Per query.")


class RenderJob(BaseModel):
    """One report to render to several formats from one pass over its source.

    Attributes:
        parameters: final values; relative dates are already resolved.
        due_at: the occurrence's instant; `timezone` is the schedule's zone, for dates that are shown.
        access: what the source's block gives to reach the source (holds secrets: it goes through a pipe, never to
            disk, logs or arguments), see `prefect_mailroom.sources`.
        folder: where the files are written, named `<report id>.<format>`.
        fresh: jobs that differ in this alone do not share a rendering.
        picture: whether a small picture of the first page is wanted.
        asked: what a condition needs to know of the data besides the facts that are gathered anyway.
    """

    model_config = ConfigDict(frozen=True)

    definition: ReportDefinition
    parameters: dict[str, Any]
    formats: list[Format]
    due_at: AwareDatetime
    timezone: str
    access: dict[str, Any] = Field(repr=False)
    folder: Path
    limits: Limits = Limits()
    fresh: str = ""
    picture: bool = False
    asked: Asked | None = None


class RenderedFile(BaseModel):
    """A file a renderer left in the job's folder. `rows` is the number of data rows in it, None where it has none.

    `began_at` and `ended_at` say when it was made, where the renderer tells it.
    """

    model_config = ConfigDict(frozen=True)

    path: Path
    filename: str
    format: str
    media_type: str
    size: int
    sha256: str
    rows: int | None = None
    began_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None


class RenderResult(BaseModel):
    """The result of a rendering: the files, the mail body made from the same rows, and what a condition may ask.

    Attributes:
        mail_html, mail_text: the body for mail, already inlined; images refer to `mail_images` by content id.
        mail_images: content id -> PNG file in the job's folder.
        rows: number of data rows of the report's data query.
        figures: first row of each key-figures query, JSON-ready, for conditions and webhooks.
        notices: what the reader must be told, such as a capped table.
        picture: the PNG of the first page in the job's folder, where it was wanted.
        facts: about the data, for conditions; None where the report has no rows of its own.
    """

    model_config = ConfigDict(frozen=True)

    files: list[RenderedFile]
    mail_html: str = ""
    mail_text: str = ""
    mail_images: dict[str, Path] = Field(default_factory=dict)
    rows: int | None = None
    figures: dict[str, dict[str, Any]] = Field(default_factory=dict)
    notices: list[str] = Field(default_factory=list)
    picture: Path | None = None
    facts: DataFacts | None = None
