"""The document that every visual format is made from: PDF, HTML, PNG, mail, text.

It holds values already formatted beside the raw ones, and no behaviour, so a report's own template can be given it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from mailroom.rendering.document.rows import Kind

ChartKind = Literal["bar", "horizontal_bar", "stacked_bar", "line", "area"]
NO_ROWS = "No rows for this period."


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's head. `right` says that its cells stand to the right; `axis` is a d3 number format for charts."""

    title: str
    name: str
    kind: Kind
    right: bool = False
    axis: str = ""


@dataclass(frozen=True, slots=True)
class Paragraphs:
    """Plain text, one string a paragraph."""

    heading: str
    paragraphs: list[str]
    kind: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class Figure:
    """One large number. `change` is words such as `+4.2% from 1,204`, empty where there is nothing to compare."""

    label: str
    text: str
    value: Any
    change: str = ""


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """A row of large numbers; `notice` says that there were none."""

    heading: str
    figures: list[Figure]
    notice: str = ""
    kind: Literal["key_figures"] = "key_figures"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to show, `cells` as text and `raw` as they came, of `total` rows there are; `notice` tells of a cap,
    `elsewhere` where the rest is."""

    heading: str
    columns: list[Heading]
    cells: list[list[str]]
    raw: list[tuple[Any, ...]]
    total: int
    elsewhere: str = ""
    notice: str = ""
    kind: Literal["table"] = "table"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart's points. `x` and `y` head the columns of `points`: (x, y1, y2, …), or (x, y, series) with `series`.

    `data` is the same as a table, for readers who cannot see the picture; `number` counts the charts from 1.
    """

    heading: str
    number: int
    chart: ChartKind
    alt: str
    x: Heading
    y: list[Heading]
    series: str
    points: list[tuple[Any, ...]]
    data: Table
    notice: str = ""
    kind: Literal["chart"] = "chart"


Part = Paragraphs | KeyFigures | Table | Chart


@dataclass(frozen=True, slots=True)
class Document:
    """A rendered report, before it has a format.

    Attributes:
        due: the due time in the schedule's zone, in words.
        window: the data's period in words, or empty.
        facts: (label, value) pairs for the head: period, parameters.
        notices: every section's notices, led by the section's heading.
    """

    report: str
    title: str
    description: str
    due: str
    window: str
    facts: list[tuple[str, str]]
    sections: list[Part]
    notices: list[str] = field(default_factory=list)
