"""Define a template as its user writes it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from mailroom.schedules.spec import ScheduleSpec

_FIELDS = frozenset(ScheduleSpec.model_fields) - {"name"}


class TemplateSpec(BaseModel):
    """A template: a title, its purpose, and some fields of a schedule. They are checked when one is made from it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=500)
    body: dict[str, Any] = Field(description="Some fields of a schedule, but for its name.")

    @field_validator("title")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if any(not character.isprintable() for character in value):
            raise ValueError("the text contains a control character or a line break")
        if not value.strip():
            raise ValueError("is blank")
        return value.strip()

    @field_validator("body")
    @classmethod
    def _known(cls, value: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(value) - _FIELDS)
        if unknown:
            raise ValueError(f"has the field '{unknown[0][:60]}', which a template does not keep")
        return value
