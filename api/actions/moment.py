"""An instant that a request names, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("this time is outside the calendar") from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""An instant in a query or body, in UTC."""
