"""Show in the last step the mail exactly as its readers will see it, and send a test of it to the visitor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from api.actions.distribution.message import MessagePreview, message
from api.actions.distribution.preview import DestinationPreviewRequest
from api.actions.distribution.written import as_written
from api.actions.drafts.views import DraftView
from api.web.forms import sentence
from api.web.visitor import Visitor
from api.web.when import size
from mailroom.errors import Invalid, NotFound
from prefect_mailroom.channels.base import Destination
from prefect_mailroom.channels.registry import destination
from prefect_mailroom.errors import ConfigurationError, MailroomError


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it will look: its heads, its body in a frame, and its files with their sizes.

    Attributes:
        heads: From, To, Subject and so on, with what stands there.
        source: the address of the body for the frame; empty for a mail of plain text, which is `text`.
        fault: why there is none, and `remedy` what to do.
    """

    heads: tuple[tuple[str, str], ...] = ()
    source: str = ""
    text: str = ""
    files: tuple[tuple[str, str], ...] = ()
    due: str = ""
    fault: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """A destination whose message can be shown, or of which a test can be sent: its number and its connection."""

    at: int
    connection: str
    has_mail: bool
    may_test: bool


def destinations_in(draft: DraftView) -> list[dict[str, Any]]:
    """Return the destinations of a draft as they were entered."""
    given = draft.body().get("destinations")
    return [one if isinstance(one, dict) else {} for one in given] if isinstance(given, list) else []


def readers(draft: DraftView, email: str) -> tuple[Reader, ...]:
    """Return the destinations that can be shown or tested."""
    found = []
    for index, given in enumerate(destinations_in(draft)):
        target = _target(given)
        if target is not None:
            has_mail, may_test = bool(target.addresses()), target.for_test(email) is not None
            found.append(Reader(index, str(given.get("connection") or ""), has_mail, may_test))
    return tuple(one for one in found if one.has_mail or one.may_test)


def _target(given: Mapping[str, Any]) -> Destination | None:
    try:
        return destination(given)
    except (ValidationError, ConfigurationError):
        return None


async def mail(visitor: Visitor, draft: DraftView, at: int) -> Mail:
    """Return the mail of a destination, or why there is none."""
    try:
        found = await preview(visitor, draft, at)
    except Invalid as error:
        return Mail(fault="The mail cannot be shown yet.", remedy=" ".join(sentence(fault) for fault in error.faults))
    except MailroomError as error:
        return Mail(fault=error.message, remedy=error.remedy)
    heads = [
        ("From", found.sender),
        ("To", ", ".join(found.to)),
        ("Cc", ", ".join(found.cc)),
        ("Hidden", ", ".join(found.hidden)),
        ("Answers to", found.answers_to),
        ("Subject", found.subject),
    ]
    zone = str((draft.body().get("timing") or {}).get("timezone") or visitor.user.timezone)
    return Mail(
        heads=tuple(head for head in heads if head[1]),
        source=f"/drafts/{draft.id}/review/mail/body?at={at}" if found.html else "",
        text=found.text,
        files=tuple((file.name, size(file.size)) for file in found.files),
        due=visitor.when.moment(found.due_at, zone).text,
    )


async def preview(visitor: Visitor, draft: DraftView, at: int) -> MessagePreview:
    """Return the message of a destination; what was made for this person a moment ago is not made again.

    Raises:
        NotFound: there is no such destination.
        MailroomError: why it cannot be made.
    """
    given = destinations_in(draft)
    if at >= len(given):
        raise NotFound("There is no such destination.")
    wanted = {**as_written(draft.body()), "destination": given[at]}
    kept, key = visitor.services.shown, (visitor.user.id, "mail", repr(wanted))
    if (text := kept.get(key)) is not None:
        return MessagePreview.model_validate_json(text)
    try:
        request = DestinationPreviewRequest.model_validate(wanted)
    except ValidationError as error:
        raise Invalid.from_validation(error, model=DestinationPreviewRequest) from error
    found = await message(visitor.caller, request)
    text = found.model_dump_json().encode()
    if len(text) <= kept.maxsize // 4:
        kept[key] = text
    return found
