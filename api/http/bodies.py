"""Bodies as they came, documented as their models: the domain reads them, so one place says what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi.openapi.models import Example
from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


@dataclass(frozen=True)
class DocumentedAs:
    """Annotates `dict[str, Any]` as an object whose schema is the model's."""

    model: type[BaseModel]

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The model's schema."""
        return handler(self.model.__pydantic_core_schema__)


SCHEDULE: dict[str, Any] = {
    "name": "EMEA weekly sales",
    "report_id": "carrier-punctuality",
    "timing": {"frequency": "weekly", "days": ["mon"], "at": "09:00", "timezone": "Europe/Berlin"},
    "parameters": {},
    "formats": ["pdf", "xlsx"],
    "destinations": [
        {
            "channel": "email",
            "connection": "corp-smtp",
            "to": ["ada@example.com"],
            "subject": "{report_name} {date}",
            "attach": "attachment",
        },
        {"channel": "folder", "connection": "shared-folder", "path": "{report_slug}/{date}.{ext}"},
    ],
    "condition": {"send_if": "always"},
    "policy": {"overlap": "skip", "catchup": "latest", "expires_after": "PT4H", "pause_after_failures": 5},
}


def examples(**named: Any) -> dict[str, Example]:
    """`openapi_examples=` from names and values."""
    return {name: Example(summary=name.replace("_", " "), value=value) for name, value in named.items()}


SCHEDULES = examples(
    weekly_mail_and_folder=SCHEDULE,
    last_business_day_of_the_month={
        **SCHEDULE,
        "timing": {"frequency": "monthly", "day": {"business_day": -1}, "at": "07:30", "timezone": "Europe/Berlin"},
    },
    by_cron={**SCHEDULE, "timing": {"frequency": "cron", "expression": "0 9 * * mon-fri", "timezone": "UTC"}},
)
PATCHES = examples(
    another_time={"timing": {"at": "10:30"}},
    back_to_the_default_policy={"policy": None},
)
