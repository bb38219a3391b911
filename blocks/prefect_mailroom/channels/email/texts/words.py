"""Write the texts of a mail: its subject, and its plain and HTML bodies around the report's own. Pure."""

from __future__ import annotations

from prefect_mailroom.channels.base import Parcel
from prefect_mailroom.channels.email.destination import EmailDestination
from prefect_mailroom.channels.email.mime.attachments import Enclosed
from prefect_mailroom.channels.email.texts import html_blocks
from prefect_mailroom.channels.email.texts.footer import Footer
from prefect_mailroom.channels.email.texts.light import light
from prefect_mailroom.channels.email.texts.moments import moment_words, size_words
from prefect_mailroom.text import variables
from prefect_mailroom.text.filenames import clean_line

TEST_MARK = "[Test] "
BACKFILL_MARK = "[Backfill] "
CORRECTED_MARK = "[Corrected] "
_SIGNATURE = "-- "
"""The line after which mail programs show a signature, and leave it out of answers."""


def subject_of(parcel: Parcel, destination: EmailDestination) -> str:
    """Return the subject as one line, marked where the mail is a test, a backfill or a correction."""
    by_kind = {"backfill": BACKFILL_MARK, "correction": CORRECTED_MARK}
    mark = TEST_MARK if parcel.is_test else by_kind.get(str(parcel.facts.get("kind")), "")
    subject = parcel.subject or variables.expand(destination.subject, parcel.variables, field="subject")
    return mark + clean_line(subject)


def words_of(parcel: Parcel, destination: EmailDestination) -> str:
    """Return the schedule's own text with its values."""
    return variables.expand_prose(destination.text, parcel.variables, field="text").strip()


def notices_of(parcel: Parcel, enclosed: Enclosed) -> list[str]:
    """Return the sentences that stand at the top of the mail, since its reader must not miss them."""
    notices = list(enclosed.notices)
    if parcel.facts.get("kind") == "correction":
        wrong = moment_words(parcel.facts.get("corrects"), parcel.facts.get("timezone"))
        which = f"the report of {wrong}, which was wrong" if wrong else "an earlier report, which was wrong"
        reason = clean_line(str(parcel.facts.get("correction_reason") or ""))
        notices.insert(0, f"This report corrects {which}. Please use this one instead. {reason}".strip())
    if parcel.facts.get("was_announced_late"):
        due = moment_words(parcel.facts.get("due_at"), parcel.facts.get("timezone"))
        notices.insert(0, f"You were told that this report had not come in time. This is it; it was due on {due}.")
    return notices


def plain_body(parcel: Parcel, words: str, notices: list[str], enclosed: Enclosed, footer: Footer) -> str:
    """Return the plain body: the schedule's own text, notices, links, the report's text, and the line about it."""
    text = parcel.text or ("The report is attached.\n" if enclosed.attached or enclosed.shown else "")
    blocks = [words, *(f"* {notice}" for notice in notices), _plain_links(enclosed), text.strip("\n")]
    if footer.plain:
        blocks.append(f"{_SIGNATURE}\n{footer.plain}")
    return "\n\n".join(block for block in blocks if block) + "\n"


def html_body(parcel: Parcel, words: str, notices: list[str], enclosed: Enclosed, footer: Footer, *, kind: str) -> str:
    """Return the report's HTML with the same around it, all of it escaped.

    Args:
        kind: `full`, or `light` for a body without pictures and styles.
    """
    top = html_blocks.top(words, notices, enclosed)
    end = html_blocks.footer(footer)
    if kind == "light":
        return html_blocks.around(light(parcel.html), light(top, whole=False), light(end, whole=False))
    return html_blocks.around(parcel.html, top, html_blocks.pictures(enclosed) + end)


def _plain_links(enclosed: Enclosed) -> str:
    lines = [f"{file.name} ({size_words(file.size)})" for file in enclosed.linked]
    if len({file.url for file in enclosed.linked}) == 1:
        lines.append(enclosed.linked[0].url)  # One page leads to all of them.
    else:
        lines = [f"{line}: {file.url}" for line, file in zip(lines, enclosed.linked, strict=True)]
    if enclosed.links_until:
        lines.append(f"The links work until {enclosed.links_until}.")
    return "\n".join(lines)
