"""Render our pages: HTML from templates, without scripts and without anything inline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_FOLDER = Path(__file__).parent / "templates"
_TEMPLATES = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)
STYLE = (_FOLDER / "mailroom.css").read_text()


def page(name: str, *, status: int = 200, unframed: str = "", **values: Any) -> HTMLResponse:
    """Return a page that no cache keeps.

    Args:
        unframed: the address of the same page outside of a frame, where it is shown in one.
    """
    html = _TEMPLATES.get_template(name).render(values | {"framed": bool(unframed), "unframed": unframed})
    return HTMLResponse(html, status, {"Cache-Control": "no-store"})


def message_page(
    title: str,
    message: str,
    remedy: str = "",
    *,
    status: int,
    href: str = "/login",
    words: str = "Go to the log-in page",
    unframed: str = "",
) -> HTMLResponse:
    """Return a page that says what is wrong, what to do, and with `href` and `words` where to go on."""
    values = {"title": title, "message": message, "remedy": remedy, "href": href, "words": words}
    return page("message.html", status=status, unframed=unframed, **values)
