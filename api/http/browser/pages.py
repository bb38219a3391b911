"""Render our pages: HTML from templates, without scripts and without anything inline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_FOLDER = Path(__file__).parent / "templates"
_TEMPLATES = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)
STYLE = (_FOLDER / "mailroom.css").read_text()


def page(name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page that no cache keeps."""
    html = _TEMPLATES.get_template(name).render(values)
    return HTMLResponse(html, status, {"Cache-Control": "no-store"})


def message_page(title: str, message: str, remedy: str = "", *, status: int) -> HTMLResponse:
    """Return a page that says what is wrong and what to do."""
    return page("message.html", status=status, title=title, message=message, remedy=remedy)
