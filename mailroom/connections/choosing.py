"""Ask a far side what can be chosen in a connection, such as the buckets that its identity may list."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from prefect.blocks.core import Block

from mailroom.connections.checks import Mask, unexpected_end
from mailroom.connections.kinds import block_type
from mailroom.connections.spec import UnsavedConnection
from mailroom.errors import CheckFailed, Unavailable
from prefect_mailroom.channels.base import Channel
from prefect_mailroom.errors import MailroomError

SECONDS = 15.0
MOST = 1000
"""Show so many values of a field, and count the rest."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Hold what can be chosen: the values of each field in order, and how many of each are not shown."""

    fields: Mapping[str, list[str]]
    left_out: Mapping[str, int]


def fields_of(kind: str) -> frozenset[str]:
    """Return the fields of a kind that can be chosen from a list.

    Raises:
        Invalid: there is no such kind.
    """
    found = block_type(kind)
    return found.choosable if issubclass(found, Channel) else frozenset()


def completed(wanted: UnsavedConnection, old: Block | None) -> UnsavedConnection:
    """Return settings in which what is to be chosen, and is left out, is as it is stored.

    Args:
        old: the block of the connection that they change, if they change one.

    Raises:
        Invalid: there is no such kind.
    """
    missing = [name for name in fields_of(wanted.kind) if not wanted.settings.get(name)]
    kept = {name: getattr(old, name) for name in missing if old is not None}
    return wanted.model_copy(update={"settings": {**wanted.settings, **kept}})


async def of_block(block: Block, seconds: float = SECONDS) -> Choices:
    """Ask the far side of a block what can be chosen, for so many seconds at most.

    Raises:
        CheckFailed: it does not tell. Its words hold no secret of the block.
    """
    assert isinstance(block, Channel), "only the fields of channels can be chosen"
    mask, failed = Mask(block), None
    try:
        async with asyncio.timeout(seconds):
            found = await block.choices()
    except MailroomError as error:
        failed = error
    except TimeoutError:
        message = f"The far side did not answer within {seconds:g} s."
        failed = Unavailable(message, remedy="Check the address in the connection, or enter the name.")
    except Exception as error:  # Settings that nobody thought of must not end as an error of ours.
        failed = unexpected_end(block, error)
    if failed is not None:
        masked = mask.error(failed)
        assert masked is not None, "an error was given"
        raise CheckFailed(masked, [])
    shown = {name: [mask.text(one) for one in values[:MOST]] for name, values in found.items()}
    return Choices(shown, {name: len(values) - MOST for name, values in found.items() if len(values) > MOST})
