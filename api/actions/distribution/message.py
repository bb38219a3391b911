"""Show the message of a destination exactly as its readers will see it, while its schedule is being written."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.actions.caller import Caller
from api.actions.distribution.parcels import made
from api.actions.distribution.preview import DestinationPreviewRequest
from api.actions.distribution.written import situation
from api.actions.view import View
from mailroom.connections import service as connections
from mailroom.connections import trials
from mailroom.errors import Invalid
from prefect_mailroom.channels.base import Channel
from prefect_mailroom.channels.registry import destination
from prefect_mailroom.errors import ConfigurationError


class MessageFile(View):
    """A file that comes with the message."""

    name: str = Field(examples=["sales-by-region.pdf"])
    size: int = Field(description="In bytes.")


class MessagePreview(View):
    """A message as its readers will see it: written as the delivery would be, with the data of today."""

    due_at: datetime
    due_local: datetime
    sender: str = Field(examples=["Reports <reports@example.com>"])
    to: list[str]
    cc: list[str]
    hidden: list[str] = Field(description="The recipients whom the others do not see.")
    answers_to: str = Field(description="The address that answers go to; empty where that is the sender's.")
    subject: str
    text: str = Field(description="The plain body.")
    html: str = Field(description="The body with its pictures in it; empty for a message of plain text alone.")
    files: list[MessageFile]
    seconds: float = Field(description="How long the report took to make.")


async def message(caller: Caller, wanted: DestinationPreviewRequest) -> MessagePreview:
    """Render the report and return the message of the next delivery. Nothing is stored or sent.

    Raises:
        Invalid: the schedule or destination is wrong, or its channel sends no messages to people.
        ConfigurationError, NotFound, TooOften, RenderFailed, SourceUnavailable, SourceRefused, Unavailable.
    """
    try:
        target = destination(wanted.destination)
    except ConfigurationError as error:
        raise Invalid.from_configuration(error, "destination") from error
    found = await situation(caller, wanted, count=2)
    async with caller.session() as session:
        row = await trials.find_connection(session, target.channel, target.connection, viewer=caller.viewer)
    block = await connections.load(row, caller.context.settings)
    assert isinstance(block, Channel)  # The registry maps a channel's kind to a Channel.
    async with made(caller, wanted, found, target, is_test=False) as one:
        shown = await block.shown(one.parcel)
    if shown is None:
        message = f"The channel {target.channel} delivers files and no message to people."
        raise Invalid.at("destination.channel", message, "Preview its paths instead.")
    return MessagePreview(
        due_at=found.due[0].at,
        due_local=found.due[0].local,
        sender=shown.sender,
        to=list(shown.to),
        cc=list(shown.cc),
        hidden=list(shown.hidden),
        answers_to=shown.answers_to,
        subject=shown.subject,
        text=shown.text,
        html=shown.html,
        files=[MessageFile(name=file.name, size=file.size) for file in shown.files],
        seconds=one.seconds,
    )
