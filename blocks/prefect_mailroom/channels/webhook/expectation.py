"""Decide whether the answer of a webhook counts as a yes. Pure."""

from __future__ import annotations

import json
import re
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    field_validator,
    model_validator,
)

from prefect_mailroom.channels.webhook.schema import check_schema, fits
from prefect_mailroom.errors import Refused

FIXED = frozenset({401, 403, 408, 410, 429})
"""These statuses mean the same everywhere, so no destination may call them a yes."""
_RANGE = re.compile(r"([24][0-9]{2})(?:-(2[0-9]{2}))?")
_ID = re.compile(r"[\x21-\x7e]{1,200}")
_POINTER = re.compile(r"(/([^~/]|~[01])*)*")


class Expectation(BaseModel):
    """Describe an answer that says yes by its status and, where wanted, by its JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: list[str] = Field(
        default=["200-299"],
        min_length=1,
        max_length=20,
        description=(
            "Ranges or single statuses that say yes: within 200-299, or one such as 409 for what the endpoint has "
            "already."
        ),
    )
    pointer: str | None = Field(
        default=None,
        max_length=500,
        pattern=f"^{_POINTER.pattern}$",
        description="A JSON pointer (RFC 6901) into the answer, such as /status, whose value has to be `equals`.",
    )
    equals: StrictBool | StrictInt | StrictFloat | StrictStr | None = Field(
        default=None, description="The value at `pointer`: a text, a number, true, false or null."
    )
    answer_schema: dict[str, Any] | None = Field(
        default=None, description="A JSON Schema that the answer has to fit, of at most 16 kB and without references."
    )
    id_pointer: str | None = Field(
        default=None,
        max_length=500,
        pattern=f"^{_POINTER.pattern}$",
        description="A JSON pointer to the id that the endpoint gives, for the receipt.",
    )
    id_header: str = Field(
        default="X-Request-Id",
        pattern=r"^[A-Za-z0-9-]{0,64}$",
        description="The header of the answer with the id that the endpoint gives; empty for none.",
    )

    @field_validator("status")
    @classmethod
    def _can_be_a_yes(cls, written: list[str]) -> list[str]:
        for one in written:
            found = _RANGE.fullmatch(one)
            low, high = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
            if low > high or (high >= 300 and low != high) or low in FIXED or low == 0:
                raise ValueError(
                    f"'{one[:20]}' cannot be a yes; write statuses within 200-299, such as 200-204, or one from 400 to "
                    f"499 other than {', '.join(map(str, sorted(FIXED)))}"
                )
        return written

    @field_validator("answer_schema")
    @classmethod
    def _schema_is_one(cls, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        if schema is not None:
            check_schema(schema)
        return schema

    @model_validator(mode="after")
    def _pointer_has_its_value(self) -> Self:
        given = "equals" in self.model_fields_set if self.pointer is not None else self.equals is None
        if not given:
            raise ValueError("pointer and equals: give both, or none of them")
        return self

    def takes(self, status: int) -> bool:
        """Tell whether this status says yes."""
        for one in self.status:
            low, _, high = one.partition("-")
            if int(low) <= status <= int(high or low):
                return True
        return False

    @property
    def reads_the_answer(self) -> bool:
        """Return whether the answer's content decides."""
        return self.pointer is not None or self.answer_schema is not None

    def refuse(self, content: bytes, host: str) -> None:
        """Refuse an answer whose content does not say yes. Nothing of it goes into the error.

        Raises:
            Refused: the endpoint took the request, and says no.
        """
        if not self.reads_the_answer:
            return
        try:
            answer = parsed(content)
        except ValueError:
            raise _refused(host, "is no JSON") from None
        if self.pointer is not None:
            there, value = at(answer, self.pointer)
            # True is 1 in Python, and is not in JSON.
            if not there or value != self.equals or isinstance(value, bool) != isinstance(self.equals, bool):
                raise _refused(host, f"has another value at '{self.pointer}'")
        if self.answer_schema is not None and not fits(answer, self.answer_schema):
            raise _refused(host, "does not fit the answer_schema")

    def id_of(self, header: str, content: bytes) -> str:
        """Return the id that the endpoint gave, from the content before the header; '' where it gave none.

        Args:
            header: the value of `id_header` in the answer.
        """
        given: Any = header
        if self.id_pointer is not None:
            try:
                there, value = at(parsed(content), self.id_pointer)
            except ValueError:
                there, value = False, None
            if there and isinstance(value, str | int) and not isinstance(value, bool):
                given = value
        return str(given) if _ID.fullmatch(str(given)) else ""


def parsed(content: bytes) -> Any:
    """Return the JSON of an answer.

    Raises:
        ValueError: it is none, or too deep.
    """
    try:
        return json.loads(content, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("too deep") from error


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def at(document: Any, pointer: str) -> tuple[bool, Any]:
    """Return whether a JSON pointer leads to something in a document, and to what."""
    value = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and re.fullmatch(r"0|[1-9][0-9]{0,8}", key) and int(key) < len(value):
            value = value[int(key)]
        else:
            return False, None
    return True, value


def _refused(host: str, what: str) -> Refused:
    return Refused(
        f"'{host}' took the request, but its answer {what}, so it does not say yes.",
        remedy="Ask whoever runs the endpoint why, or correct `expect` of the destination.",
    )
