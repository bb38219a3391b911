"""Define a schedule's condition for sending, as its user writes it."""

from __future__ import annotations

import hashlib
import json
import math
from datetime import date
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

Operator = Literal["<", "<=", "=", "!=", ">=", ">"]
Rule = Literal["always", "rows", "no_rows", "changed", "threshold"]
SendIf = Literal["always", "rows", "no_rows", "changed", "threshold", "not_empty"]
MOST_LETTERS = 200
"""The length of a text that a threshold compares with."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Threshold(_Model):
    """A value that a column of the report's data is compared with, in one row or in all.

    A value such as `2026-11-30` is a date. Empty values (null, NaN) are passed over; where no row has a value, the
    threshold is not reached.
    """

    query: Annotated[str, StringConstraints(min_length=1, max_length=60)] = Field(
        description="The query of the report whose rows count; `rows` for a report over HTTP."
    )
    column: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    op: Operator
    value: StrictInt | StrictFloat | Annotated[str, StringConstraints(min_length=1, max_length=MOST_LETTERS)] = Field(
        description="A number, a text, or a date such as `2026-11-30`."
    )
    rows: Literal["any", "all"] = Field(
        default="any", description="Whether one row is enough, or every row that has a value has to fulfil it."
    )

    @field_validator("value")
    @classmethod
    def _is_finite(cls, value: float | str) -> float | str:
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("must be a finite number")
        return value

    @property
    def kind(self) -> Literal["number", "day", "text"]:
        """Return what it compares: numbers, days, or texts."""
        if not isinstance(self.value, str):
            return "number"
        return "day" if is_day(self.value) else "text"

    @property
    def key(self) -> str:
        """Return a digest of all of it, by which an answer to it is kept."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_day(text: str) -> bool:
    """Tell whether a text is a date such as `2026-11-30`."""
    if len(text) != 10 or text[4] != "-":
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


class Condition(_Model):
    """The condition for sending. A run whose report does not meet it is skipped, with the reason.

    `always`: it is sent. `rows`: when the data has rows; `not_empty` is an older name of it, and is answered as it was
    written. `no_rows`: when the data has none. `changed`: when the data differs from what was last delivered for this
    schedule. `threshold`: when a column reaches a value.
    """

    send_if: SendIf = "always"
    threshold: Threshold | None = Field(
        default=None,
        validate_default=True,
        exclude_if=lambda value: value is None,
        description="What is compared with what; needed with `send_if: threshold`, and only there.",
    )

    @field_validator("threshold")
    @classmethod
    def _is_there_where_it_counts(cls, value: Threshold | None, info: ValidationInfo) -> Threshold | None:
        rule = info.data.get("send_if")
        if rule == "threshold" and value is None:
            raise ValueError("is missing; name the query, the column, the comparison and the value")
        if rule not in ("threshold", None) and value is not None:
            raise ValueError("counts only with send_if: threshold; remove it, or set send_if to threshold")
        return value

    @property
    def rule(self) -> Rule:
        """Return when it is sent, without the older name."""
        return "rows" if self.send_if == "not_empty" else self.send_if
