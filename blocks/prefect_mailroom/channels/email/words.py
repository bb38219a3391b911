"""The words of a mail: its subject, and the schedule's own text in the plain and in the HTML body. Pure."""

from __future__ import annotations

import html
import re

from prefect_mailroom.channels.base import Parcel
from prefect_mailroom.channels.email.destination import EmailDestination
from prefect_mailroom.text import variables
from prefect_mailroom.text.filenames import clean_line

TEST_MARK = "[Test] "
BACKFILL_MARK = "[Backfill] "

_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
# Inline styles, since many mail programs drop all others; the measures of the report's own card.
_STYLE = (
    "max-width: 656px; margin: 0 auto; padding: 20px 32px 0; text-align: left; font-size: 15px; line-height: 22px; "
    "font-family: 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; color: #1f2933"
)


def subject_of(parcel: Parcel, destination: EmailDestination) -> str:
    """Return the subject as one line, marked where the mail is a test or a backfill."""
    mark = TEST_MARK if parcel.is_test else BACKFILL_MARK if parcel.facts.get("kind") == "backfill" else ""
    subject = parcel.subject or variables.expand(destination.subject, parcel.variables, field="subject")
    return mark + clean_line(subject)


def words_of(parcel: Parcel, destination: EmailDestination) -> str:
    """Return the schedule's own text with its values."""
    return variables.expand_prose(destination.text, parcel.variables, field="text").strip()


def plain_body(words: str, text: str) -> str:
    """Return the plain body: the schedule's own text, then the report's."""
    return "\n\n".join(part for part in (words, text) if part) or "The report is attached.\n"


def html_body(words: str, body: str) -> str:
    """Return the report's HTML with the schedule's own text, escaped, at the beginning of its body."""
    if not words:
        return body
    paragraphs = [paragraph.strip("\n") for paragraph in re.split(r"\n[ \t]*\n", words.replace("\r\n", "\n"))]
    told = "".join(
        f'<p style="margin: 0 0 10px">{html.escape(paragraph).replace(chr(10), "<br>")}</p>'
        for paragraph in paragraphs
        if paragraph.strip()
    )
    block = f'<div style="{_STYLE}">{told}</div>'
    opened = _BODY.search(body)
    return f"{body[: opened.end()]}{block}{body[opened.end() :]}" if opened else block + body
