"""Say what a destination would do at the next run: its subject, text and paths. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.actions.distribution.preview import DestinationPreview
from api.web.fields import words
from api.web.parts import Moment
from api.web.when import When
from api.web.wizard.destinations.cards import FORMAT_WORDS

_LONGEST = 600


@dataclass(frozen=True, slots=True)
class Line:
    """A text of the next run, with what it is."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class CardPreview:
    """Hold what a card would do; `none` says why there is nothing to show."""

    due: Moment | None = None
    lines: tuple[Line, ...] = ()
    none: str = ""


def card_preview(found: DestinationPreview, timezone: str | None, when: When) -> CardPreview:
    """Return the texts, and the texts of each file, of the next run."""
    lines = [Line(words.label(name, ""), _short(text)) for name, text in found.texts.items() if text.strip()]
    lines += _of_files([(file.format, file.texts) for file in found.files])
    return CardPreview(when.moment(found.due_at, timezone), tuple(lines))


def _of_files(files: Sequence[tuple[str, Mapping[str, str]]]) -> list[Line]:
    return [
        Line(f"{words.label(name, '')}, {FORMAT_WORDS.get(kind, (kind.upper(), ''))[0]}", text)
        for kind, texts in files
        for name, text in texts.items()
    ]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
