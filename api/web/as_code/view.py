"""Say of an object from code where it comes from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from api.actions.apply.views import CodeMarkView, ExportedDocument
from api.web.parts import Chip, Moment
from api.web.when import When
from mailroom.as_code.spec import Kind
from mailroom.as_code.text import written

FROM_CODE = Chip("From code", "square-terminal", "off")
NEEDS_SECRET = Chip("Needs a secret", "key-round", "warn")
PLACES: Mapping[Kind, tuple[str, str]] = {
    Kind.SCHEDULE: ("/schedules/", "Back to the schedule"),
    Kind.REPORT: ("/reports/", "Back to the report"),
    Kind.CONNECTION: ("/connections/", "Back to the connection"),
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Tell where an object from code comes from; `source` is empty where nobody said it."""

    chip: Chip
    bundle: str
    name: str
    source: str
    by: str
    at: Moment | None


@dataclass(frozen=True, slots=True)
class CodePage:
    """An object as code: its document as a text, and where it stands in a folder."""

    title: str
    back: str
    back_words: str
    path: str
    folder: str
    text: str
    download: str
    is_connection: bool
    origin: Origin | None


def origin(mark: CodeMarkView | None, when: When) -> Origin | None:
    """Return where an object comes from, or None where it does not come from code."""
    if mark is None:
        return None
    at = when.moment(mark.applied_at) if mark.applied_at else None
    return Origin(FROM_CODE, mark.bundle, mark.name, mark.source, mark.applied_by, at)


def needs_secret(mark: CodeMarkView | None, secret_since: datetime | None) -> Chip | None:
    """Return the mark of a connection that was made from code and still waits for a secret."""
    if mark is None or not mark.missing_secrets:
        return None
    given = secret_since is not None and mark.applied_at is not None and secret_since > mark.applied_at
    return None if given else NEEDS_SECRET


def code_page(found: ExportedDocument, mark: CodeMarkView | None, when: When, *, title: str, here: str) -> CodePage:
    """Return the page of an object as code."""
    base, words = PLACES[found.kind]
    return CodePage(
        title=title,
        back=base + here,
        back_words=words,
        path=found.path,
        folder=found.path.partition("/")[0],
        text=written(found.document),
        download=f"{base}{here}/code?download=1",
        is_connection=found.kind is Kind.CONNECTION,
        origin=origin(mark, when),
    )
