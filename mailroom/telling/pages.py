"""Make the mails from their template files, and the addresses of the pages that they name. Pure."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from mailroom.settings import Settings
from prefect_mailroom.text.filenames import clean_line

_TEMPLATES = Path(__file__).with_name("templates")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        autoescape=select_autoescape(["html"], default=False),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def written(name: str, values: dict[str, Any]) -> tuple[str, str, str]:
    """Return the subject, the text and the HTML of a mail, from the three template files of this name."""
    subject, text, html = (
        _environment().get_template(f"{name}.{kind}").render(values) for kind in ("subject.txt", "txt", "html")
    )
    return clean_line(subject.strip()), text.strip() + "\n", html


def base_of(settings: Settings) -> str:
    """Return the address of our pages without a slash at its end.

    It is empty in production without MAILROOM_PUBLIC_ADDRESS: the host that a process listens on leads nowhere.
    """
    if settings.mode == "production" and not settings.public_address:
        return ""
    return settings.public_url
