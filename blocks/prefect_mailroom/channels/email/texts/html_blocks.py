"""Write what a mail says around the report as blocks of HTML, and put them into the report's body. Pure.

The blocks are tables with inline styles, since many mail programs drop all others. Their classes are for the styles
that the report's own head has for dark screens.
"""

from __future__ import annotations

import re
from html import escape

from prefect_mailroom.channels.email.mime.attachments import Enclosed
from prefect_mailroom.channels.email.texts.footer import Footer
from prefect_mailroom.channels.email.texts.moments import size_words

TOP, END = "<!-- mailroom:top -->", "<!-- mailroom:end -->"
"""A report's HTML marks the places of the blocks by these comments; without them, they begin and end its body."""

_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
_FONT = "font-family: 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
_INK, _MUTED, _LINK = "#1f2933", "#52606d", "#1b4f72"
_TABLE = '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">'


def around(body: str, top: str, end: str) -> str:
    """Return the body with a block at its beginning and one at its end."""
    return _placed(_placed(body, TOP, _BODY, top, behind=True), END, _BODY_END, end, behind=False)


def top(words: str, notices: list[str], enclosed: Enclosed) -> str:
    """Return the schedule's own text, the notices, and the links to the files; '' where there is nothing of them."""
    rows = [_row(_paragraphs(words), f"padding: 20px 32px 0; color: {_INK}", "mr-ink")] if words else []
    for notice in notices:
        style = "padding: 10px 14px; background-color: #fff4d6; border-left: 4px solid #b7791f; color: #4a3200"
        box = f'{_TABLE}<tr><td class="mr-notice" style="{style}">{escape(notice)}</td></tr></table>'
        rows.append(_row(box, "padding: 20px 32px 0"))
    if enclosed.linked:
        rows.append(_row(_links(enclosed), f"padding: 16px 32px 0; color: {_INK}", "mr-ink"))
    return _framed(rows)


def pictures(enclosed: Enclosed) -> str:
    """Return the files that are pictures, as the mail shows them."""
    style = "display: block; width: 100%; max-width: 656px; height: auto; border: 0"
    return _framed(
        [
            _row(
                f'<img src="cid:{shown.content_id}" alt="{escape(shown.name)}" width="656" style="{style}">',
                "padding: 16px 32px",
            )
            for shown in enclosed.shown
        ]
    )


def footer(said: Footer) -> str:
    """Return the line at the end of the mail; '' where it is empty."""
    if not said.plain:
        return ""
    line = escape(said.about)
    if said.stop_at.startswith("mailto:"):
        shown = said.stop_at.removeprefix("mailto:")
        line += f" {escape(said.stop)} {_link(said.stop_at, shown)}."
    elif said.stop_at:
        line += f" To stop it, {_link(said.stop_at, 'unsubscribe')}."
    style = f"padding: 16px 32px 24px; color: {_MUTED}; font-size: 13px; line-height: 19px; word-break: break-word"
    return _framed([_row(line, style, "mr-muted")])


def _placed(body: str, marker: str, tag: re.Pattern[str], block: str, *, behind: bool) -> str:
    if not block:
        return body
    if marker in body:
        return body.replace(marker, block, 1)
    found = tag.search(body)
    if found is None:
        return block + body if behind else body + block
    at = found.end() if behind else found.start()
    return body[:at] + block + body[at:]


def _framed(rows: list[str]) -> str:
    """Return rows as a table of the width of the report's own card, also in Outlook, which knows no max-width."""
    if not rows:
        return ""
    frame = '<table role="presentation" width="720" align="center" cellpadding="0" cellspacing="0" border="0"><tr><td>'
    style = "width: 100%; max-width: 720px; margin: 0 auto"
    opened = _TABLE.replace(">", f' align="center" style="{style}">')
    return f"<!--[if mso]>{frame}<![endif]-->{opened}{''.join(rows)}</table><!--[if mso]></td></tr></table><![endif]-->"


def _row(content: str, style: str, name: str = "") -> str:
    named = f' class="mr-in {name}"' if name else ' class="mr-in"'
    text = f"text-align: left; {_FONT}; font-size: 15px; line-height: 22px"
    return f'<tr><td{named} style="{text}; {style}">{content}</td></tr>'


def _paragraphs(words: str) -> str:
    found = [part.strip("\n") for part in re.split(r"\n[ \t]*\n", words.replace("\r\n", "\n"))]
    return "".join(
        f'<p style="margin: 0 0 10px">{escape(part).replace(chr(10), "<br>")}</p>' for part in found if part.strip()
    )


def _links(enclosed: Enclosed) -> str:
    lines = [
        f'<p style="margin: 0 0 6px">{_link(file.url, file.name)} ({size_words(file.size)})</p>'
        for file in enclosed.linked
    ]
    if enclosed.links_until:
        lines.append(f'<p style="margin: 0 0 6px">The links work until {escape(enclosed.links_until)}.</p>')
    return "".join(lines)


def _link(url: str, shown: str) -> str:
    return f'<a class="mr-link" href="{escape(url)}" style="color: {_LINK}">{escape(shown)}</a>'
