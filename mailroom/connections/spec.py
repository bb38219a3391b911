"""Define a connection as its user writes it, and make the Prefect block of it. Nothing is stored here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect.blocks.core import Block
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mailroom.connections.kept_secrets import markers, nothing_to_keep
from mailroom.connections.kinds import block_type
from mailroom.errors import Fault, Invalid
from prefect_mailroom import outbound
from prefect_mailroom.errors import ConfigurationError


class ConnectionSettings(BaseModel):
    """A user's description of a connection; `settings` are the fields of its kind (`GET /connections/kinds`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str = Field(max_length=40)
    description: str = Field(default="", max_length=2000)
    settings: dict[str, Any] = Field(
        repr=False,
        description=(
            "The fields of its kind, as GET /api/v1/connections/kinds lists them. Every channel has `retries`: when a "
            "delivery that failed is tried again. In a change, a secret that is sent as it is shown, "
            '`{"secret": true}`, stays as it is stored, unless a setting changes that may decide where it is sent.'
        ),
    )


class NewConnection(ConnectionSettings):
    """A new connection with its name, which destinations and sources refer to."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")


class UnsavedConnection(ConnectionSettings):
    """Settings to be checked before they are stored."""

    connection: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description=(
            "The connection that these settings would change. Its stored secrets stand behind each "
            '`{"secret": true}`, under the same conditions as in a change.'
        ),
    )


def build(kind: str, settings: Mapping[str, Any]) -> Block:
    """Return the block of these settings, validated; nothing is stored.

    Raises:
        Invalid: an unknown kind, or every wrong field as `settings.…`; no value is repeated, as it may be secret.
    """
    block_class = block_type(kind)
    if kept := markers(settings):
        raise nothing_to_keep(kept)
    faults = list(_unknown(block_class, settings, "settings"))
    try:
        block = block_class.model_validate(dict(settings))
    except ValidationError as error:
        found = Invalid.from_validation(error, "settings", block_class).faults
        raise Invalid([*faults, *found]) from None
    except ConfigurationError as error:
        raise Invalid.from_configuration(error, "settings") from None
    except Exception as error:  # The validators of others, such as prefect-email's, expect no wrong type.
        message = f"These settings cannot be read ({type(error).__name__})."
        raise Invalid([*faults, Fault("settings", message, "Check the type of each value.")]) from None
    if faults:
        raise Invalid(faults)
    return block


def _unknown(block_class: type[Block], settings: Mapping[str, Any], place: str) -> list[Fault]:
    """Return a fault for each field that no block of this class has; Prefect itself would keep them."""
    faults = []
    for name, value in settings.items():
        field = block_class.model_fields.get(name)
        if field is None:
            known = ", ".join(block_class.model_fields)
            faults.append(Fault(f"{place}.{name[:60]}", "This setting does not exist.", f"The settings are: {known}."))
        elif isinstance(value, dict) and isinstance(field.annotation, type) and issubclass(field.annotation, Block):
            faults += _unknown(field.annotation, value, f"{place}.{name}")
    return faults


async def screen(block: Block) -> None:
    """Refuse a block whose target may never be reached. One that may be now is looked at again at each use.

    Raises:
        Invalid: it is forbidden.
    """
    if not isinstance(block, outbound.Screened):
        return
    try:
        await block.screen()
    except ConfigurationError as error:
        raise Invalid.from_configuration(error, "settings") from None
