"""Define the documents: what stands in a folder of code, one object each, and what of it is sent to be applied.

`spec` of a document is what a request of REST has for the same object, so that there is one vocabulary. `name` is the
identity of the object in the code; the id in the database is never written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from mailroom.connections.spec import ConnectionSettings
from mailroom.members.spec import ExternalId, TeamSettings, Text
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules.calendar_changes import CalendarSettings
from mailroom.schedules.spec import ScheduleSpec

VERSION = "mailroom/v1"
MOST_DOCUMENTS = 500
"""So many documents are taken in one request."""
MOST_NAMES = 20_000
"""So many documents a bundle may have."""


class Kind(StrEnum):
    """The kinds of documents, in the order in which they are applied: each refers only to those before it."""

    TEAM = "team"
    CALENDAR = "calendar"
    CONNECTION = "connection"
    REPORT = "report"
    SCHEDULE = "schedule"


ORDER = tuple(Kind)
Slug = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
ShortSlug = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
BundleName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        pattern=r"^[A-Za-z0-9]+([._/-][A-Za-z0-9]+)*$",
        description="The bundle that the documents belong to. No other bundle prunes what was applied from it.",
    ),
]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    api_version: Literal["mailroom/v1"] = Field(alias="apiVersion", description="The version of this format.")


class TeamSpec(BaseModel):
    """Everything that a document says of a team. The members are users, who are not kept as code."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Text


class TeamDocument(_Document):
    """A team; `name` is its external id."""

    kind: Literal["team"]
    name: ExternalId
    spec: TeamSpec

    def settings(self) -> TeamSettings:
        """Return what REST takes for the team."""
        return TeamSettings(name=self.spec.name, external_id=self.name)


class CalendarDocument(_Document):
    """A business calendar; `name` is its id."""

    kind: Literal["calendar"]
    name: ShortSlug
    spec: CalendarSettings


class ConnectionDocument(_Document):
    """A connection; secrets are never in it, see `mailroom.as_code.secrets.places`."""

    kind: Literal["connection"]
    name: Slug
    spec: ConnectionSettings


class ReportDocument(_Document):
    """A report; `name` is its id."""

    kind: Literal["report"]
    name: ShortSlug
    spec: ReportDefinition

    @model_validator(mode="before")
    @classmethod
    def _named(cls, data: Any) -> Any:
        spec = data.get("spec") if isinstance(data, Mapping) else None
        # An id of its own would be a second identity; it is refused like every other key that does not exist.
        known = isinstance(spec, Mapping) and "id" not in spec
        return {**data, "spec": {**spec, "id": data.get("name")}} if known and spec is not None else data


class ScheduleDocument(_Document):
    """A schedule. Without `state`, people pause and resume it, and apply leaves that alone."""

    kind: Literal["schedule"]
    name: Slug
    owner: str | None = Field(
        default=None,
        min_length=1,
        max_length=320,
        description="The mail address of the owner, or `ext:` and an external id. The default is who applies it.",
    )
    state: Literal["active", "paused"] | None = Field(
        default=None, description="Whether it is paused. Leave it out to let people pause and resume it."
    )
    spec: ScheduleSpec


Document = TeamDocument | CalendarDocument | ConnectionDocument | ReportDocument | ScheduleDocument
DOCUMENT: TypeAdapter[Document] = TypeAdapter(Annotated[Document, Field(discriminator="kind")])
MODELS: dict[Kind, type[Document]] = {
    Kind.TEAM: TeamDocument,
    Kind.CALENDAR: CalendarDocument,
    Kind.CONNECTION: ConnectionDocument,
    Kind.REPORT: ReportDocument,
    Kind.SCHEDULE: ScheduleDocument,
}


class ApplyRequest(BaseModel):
    """Documents to be applied, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    documents: list[dict[str, Any]] = Field(max_length=MOST_DOCUMENTS, description="The documents, in any order.")
    bundle: BundleName = "default"
    source: str = Field(
        default="",
        max_length=500,
        description="Where the documents come from, such as repository, path and commit. Pages show it.",
    )
    dry_run: bool = Field(default=False, description="Only report what would be done; change nothing.")
    adopt: bool = Field(
        default=False,
        description=(
            "Take over objects that exist, do not come from this bundle, and differ from their document. Without it "
            "they are left as they are, and the document fails."
        ),
    )
    suspend_broken: bool = Field(
        default=False, description="Store reports that break active schedules, and suspend those schedules."
    )
    prune: bool = Field(
        default=False,
        description="Delete what was applied from this bundle before, and is neither in `documents` nor in `keep`.",
    )
    keep: dict[Kind, Annotated[list[str], Field(max_length=MOST_NAMES)]] = Field(
        default_factory=dict,
        description="The names of the bundle's other documents, where it is sent in several requests.",
    )
    prune_limit: int | None = Field(
        default=None,
        ge=0,
        le=MOST_NAMES,
        description="How many objects may be deleted. Without it, at most half of the bundle is.",
    )
    secrets: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="Secrets of connections, by the connection's name and the dotted place within its settings.",
        examples=[{"corp-smtp": {"credentials.password": "…"}}],
        repr=False,
    )
