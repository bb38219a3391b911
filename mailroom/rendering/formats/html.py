"""The document as an HTML page, and as the HTML body of a mail.

The page stands alone: styles and pictures are inside it, and its policy lets a browser fetch nothing. The mail is laid
out in tables with inline styles, which is what mail readers understand, and stays under the size at which Gmail cuts.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import css_inline
from markupsafe import Markup

from mailroom.rendering.document import chart
from mailroom.rendering.document.build import capped
from mailroom.rendering.document.model import Chart, Document
from mailroom.rendering.formats import sandbox
from mailroom.reports.spec import Format

MAIL_ROWS = 50
MAIL_BYTES = 88_000
"""Gmail cuts a message at 102 KB; what the mail itself says around the report has some room."""

Picture = Callable[[Chart], Markup]
PathOf = Callable[[Format], Path]


def page(document: Document, *, template: str | None, parameters: dict[str, Any], max_bytes: int) -> str:
    """Return the document as a page of its own, or what the report's own `template` makes of it.

    Raises:
        RenderFailed, LimitExceeded: from the report's own template.
    """
    if template is not None:
        return sandbox.render_report_template(
            template, _variables(document, parameters, "page", _svg), max_bytes=max_bytes
        )
    return sandbox.our_templates().get_template("page.html").render(document=document, picture=_svg)


def mail(document: Document, *, template: str | None, parameters: dict[str, Any], max_bytes: int) -> str:
    """Return the document as the body of a mail: inlined, with pictures as `cid:chart-<number>`.

    Tables show 50 rows, or fewer if the mail would be cut otherwise, and say so.
    """
    rows = MAIL_ROWS
    while True:
        body = _mail(capped(document, rows), template, parameters, max_bytes)
        if len(body.encode()) <= MAIL_BYTES or rows <= 1:
            return body
        rows //= 2


def write_picture(part: Chart, path: Path) -> Path:
    """Write the picture that a mail shows for a chart."""
    path.write_bytes(chart.png(part))
    return path


def _mail(document: Document, template: str | None, parameters: dict[str, Any], max_bytes: int) -> str:
    if template is not None:
        body = sandbox.render_report_template(
            template, _variables(document, parameters, "mail", _cid), max_bytes=max_bytes
        )
    else:
        body = sandbox.our_templates().get_template("mail.html").render(document=document, picture=_cid)
    inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
    return inliner.inline(body)


def _variables(document: Document, parameters: dict[str, Any], medium: str, picture: Picture) -> dict[str, Any]:
    return {"document": document, "parameters": parameters, "medium": medium, "picture": picture}


def _svg(part: Chart) -> Markup:
    # As a picture, not as elements of the page: nothing inside it can run or reach out.
    data = base64.b64encode(chart.svg(part).encode()).decode()
    return Markup('<img class="chart" alt="{}" src="data:image/svg+xml;base64,{}">').format(part.alt, data)


def _cid(part: Chart) -> Markup:
    style = "display:block;width:100%;max-width:656px;height:auto;border:0"
    return Markup('<img alt="{}" src="cid:chart-{}" width="656" style="{}">').format(part.alt, part.number, style)
