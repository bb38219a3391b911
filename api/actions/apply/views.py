"""Define what the API answers about documents that are applied or exported."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from api.actions.view import View
from mailroom.as_code.plan import Outcome
from mailroom.as_code.spec import Kind


class DifferenceView(View):
    """One part of an object that differs."""

    field: str = Field(examples=["spec.timing.at"])
    before: Any = Field(description="As it is there; null where it is not set.")
    after: Any = Field(description="As the document says; null where it is not set.")


class DocumentFault(View):
    """One thing that is wrong with a document, or that keeps it from being applied."""

    field: str = Field(description="The dotted place in the document; empty where it is about all of it.")
    message: str
    remedy: str = ""
    code: str = ""


class AppliedDocument(View):
    """Tell what became of a document; in a dry run, what would become of it."""

    index: int | None = Field(description="Its place in `documents`; null for an object that is pruned.")
    kind: Kind | None
    name: str
    outcome: Outcome
    id: str | None = Field(default=None, description="The object that it is applied to.")
    differences: list[DifferenceView] = Field(default_factory=list)
    by_hand: bool = Field(default=False, description="Whether the object was changed by hand since it was applied.")
    missing_secrets: list[str] = Field(
        default_factory=list, description="The settings of a connection that need a secret before it can be used."
    )
    errors: list[DocumentFault] = Field(default_factory=list)


class AppliedView(View):
    """Tell what became of each document, in the order in which they were applied, and then of what was pruned."""

    bundle: str
    dry_run: bool
    created: int
    changed: int
    adopted: int
    unchanged: int
    deleted: int
    failed: int
    items: list[AppliedDocument]


class ExportedDocument(View):
    """One object as a document."""

    kind: Kind
    name: str
    path: str = Field(description="Where it stands in an exported folder.")
    document: dict[str, Any]


class CodeMarkView(View):
    """The origin of an object that comes from code."""

    bundle: str
    kind: Kind
    name: str
    source: str
    applied_by: str
    applied_at: datetime | None
    missing_secrets: list[str]
