"""A report's definition and the answers to its queries, made into the document."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from mailroom.rendering.document import filters, values
from mailroom.rendering.document.answers import DATA_FORMATS, Answer
from mailroom.rendering.document.model import (
    NO_ROWS,
    Chart,
    Document,
    Figure,
    Heading,
    KeyFigures,
    Paragraphs,
    Part,
    Table,
)
from mailroom.rendering.document.rows import ColumnType
from mailroom.rendering.job import RenderJob
from mailroom.reports import text_section
from mailroom.reports.errors import RenderFailed, placed
from mailroom.reports.spec import (
    ChartSection,
    Column,
    Format,
    KeyFiguresSection,
    ReportDefinition,
    Section,
    TableSection,
    TextSection,
)

Answers = Mapping[str, Answer]


def build(job: RenderJob, answers: Answers) -> Document:
    """Build the document of a job whose queries have been answered.

    Raises:
        RenderFailed: a section names a column or a parameter that does not exist; the section is named.
    """
    zone = ZoneInfo(job.timezone)
    parts: list[Part] = []
    charts = 0
    for index, section in enumerate(job.definition.sections):
        try:
            charts += isinstance(section, ChartSection)
            parts.append(_part(section, job, answers, zone, charts))
        except RenderFailed as error:
            raise placed(error, report=job.definition.id, section=section_name(index, section)) from error
    return dataclasses.replace(head_of(job), sections=parts, notices=_notices(parts))


def head_of(job: RenderJob) -> Document:
    """Return the document without its sections: title, due time, period, parameters."""
    zone = ZoneInfo(job.timezone)
    window, facts = _facts(job, zone)
    return Document(
        report=job.definition.id,
        title=job.definition.title,
        description=job.definition.description,
        due=values.due_text(job.due_at, zone),
        window=window,
        facts=facts,
        sections=[],
    )


def section_name(index: int, section: Section) -> str:
    """Return how errors name a section: its place in the definition, its kind and heading."""
    return f"sections[{index}] ({section.kind}" + (f" '{section.heading}')" if section.heading else ")")


def capped(document: Document, rows: int) -> Document:
    """Return the document with at most `rows` rows a table; each table that loses rows says so."""
    parts: list[Part] = []
    for part in document.sections:
        if isinstance(part, Table) and len(part.cells) > rows:
            less = dataclasses.replace(part, cells=part.cells[:rows], raw=part.raw[:rows])
            parts.append(dataclasses.replace(less, notice=_cap_notice(rows, part.total, part.elsewhere)))
        else:
            parts.append(part)
    return dataclasses.replace(document, sections=parts, notices=_notices(parts))


def _notices(parts: list[Part]) -> list[str]:
    return [
        f"{part.heading}: {part.notice}" if part.heading else part.notice
        for part in parts
        if not isinstance(part, Paragraphs) and part.notice
    ]


def _part(section: Section, job: RenderJob, answers: Answers, zone: ZoneInfo, charts: int) -> Part:
    match section:
        case TextSection():
            return _text(section, job, answers, zone)
        case KeyFiguresSection():
            return _figures(section, answers[section.query], zone)
        case ChartSection():
            return _chart(section, answers[section.query], zone, charts)
        case TableSection():
            return _table(section, job, answers[section.query], zone)


def _text(section: TextSection, job: RenderJob, answers: Answers, zone: ZoneInfo) -> Paragraphs:
    formats = {
        (part.query, column.name): column
        for part in job.definition.sections
        if isinstance(part, KeyFiguresSection | TableSection)
        for column in part.columns
    }

    def value_of(name: str, column: str) -> str:
        if not column and name in job.parameters:
            return filters.parameter_text(job.parameters[name], zone)
        if column and name in answers:
            _position(answers[name], column)
            shape = formats.get((name, column), Column(name=column))
            return values.shown(answers[name].value(column), shape, zone)
        known = ", ".join([*sorted(job.parameters), *(f"{query}.…" for query in answers)]) or "nothing"
        place = f"{name}.{column}" if column else name
        raise RenderFailed(f"The text refers to '{place}', which does not exist.", remedy=f"Known names are: {known}.")

    filled = text_section.fill(section.text, value_of)
    paragraphs = [" ".join(block.split()) for block in filled.replace("\r\n", "\n").split("\n\n")]
    return Paragraphs(section.heading, [block for block in paragraphs if block])


def _figures(section: KeyFiguresSection, answer: Answer, zone: ZoneInfo) -> KeyFigures:
    figures = []
    for column in section.columns:
        value = answer.head[0][_position(answer, column.name)] if answer.head else None
        change = ""
        if earlier := section.compare.get(column.name):
            _position(answer, earlier)
            change = change_text(value, answer.value(earlier), column, zone)
        figures.append(Figure(column.title, values.shown(value, column, zone), values.plain_json(value), change))
    return KeyFigures(section.heading, figures, notice="" if answer.head else NO_ROWS)


def change_text(value: Any, earlier: Any, column: Column, zone: ZoneInfo) -> str:
    """Return a figure against its earlier value, in words: a percentage, or points for what is itself a percentage."""
    if not values.is_number(value) or not values.is_number(earlier):
        return ""
    before = values.shown(earlier, column, zone)
    difference = float(value) - float(earlier)
    if difference == 0:
        return f"unchanged from {before}"
    if column.format == "percent":
        return f"{difference * 100:+.1f} points from {before}"
    return f"{difference / abs(float(earlier)):+.1%} from {before}" if earlier else f"from {before}"


def _chart(section: ChartSection, answer: Answer, zone: ZoneInfo, number: int) -> Chart:
    names = [section.x.name, *(column.name for column in section.y), *([section.series] if section.series else [])]
    if section.series and len(section.y) != 1:
        raise RenderFailed(
            "A chart with `series` splits one `y` column.", remedy=("Give only one `y`, or leave out `series`.")
        )
    shapes = [section.x, *section.y, *([Column(name=section.series)] if section.series else [])]
    spots = [_position(answer, name) for name in names]
    points = [tuple(row[at] for at in spots) for row in answer.head[: section.max_points]]
    headings = [_heading(shape, answer.columns[at]) for shape, at in zip(shapes, spots, strict=True)]
    cells = [[values.shown(cell, shape, zone) for cell, shape in zip(row, shapes, strict=True)] for row in points]
    total = len(points) if answer.total is None else answer.total
    notice = NO_ROWS if not points else ""
    if total > len(points):
        notice = f"Showing the first {len(points):,} of {total:,} points."
    wanted = " and ".join(column.title.lower() for column in section.y)
    return Chart(
        heading=section.heading,
        number=number,
        chart=section.chart,
        alt=section.alt or f"Chart of {wanted} by {section.x.title.lower()}.",
        x=headings[0],
        y=headings[1 : 1 + len(section.y)],
        series=headings[-1].title if section.series else "",
        points=points,
        data=Table(section.heading, headings, cells, points, total),
        notice=notice,
    )


def _table(section: TableSection, job: RenderJob, answer: Answer, zone: ZoneInfo) -> Table:
    shapes = section.columns or [Column(name=column.name) for column in answer.columns]
    spots = [_position(answer, shape.name) for shape in shapes]
    rows = [tuple(row[at] for at in spots) for row in answer.head[: section.max_rows]]
    cells = [[values.shown(cell, shape, zone) for cell, shape in zip(row, shapes, strict=True)] for row in rows]
    total = len(rows) if answer.total is None else answer.total
    elsewhere = _elsewhere(section, job.definition)
    return Table(
        heading=section.heading,
        columns=[_heading(shape, answer.columns[at]) for shape, at in zip(shapes, spots, strict=True)],
        cells=cells,
        raw=rows,
        total=total,
        elsewhere=elsewhere,
        notice=_cap_notice(len(rows), total, elsewhere),
    )


def _elsewhere(section: TableSection, definition: ReportDefinition) -> str:
    """Name the formats of the report, not of the job: one PDF serves readers with and without the XLSX beside it."""
    formats = [Format.XLSX, *(DATA_FORMATS if section.query == definition.data_query else ())]
    names = [format_.value.upper() for format_ in formats if format_ in definition.formats]
    if not names:
        return ""
    files = f"{', '.join(names[:-1])} and {names[-1]} files" if len(names) > 1 else f"{names[0]} file"
    return f"the full list is in the {files} of this report"


def _cap_notice(shown: int, total: int, elsewhere: str) -> str:
    if not total:
        return NO_ROWS
    if shown >= total:
        return ""
    return f"Showing {shown:,} of {total:,} rows" + (f"; {elsewhere}." if elsewhere else ".")


def _heading(shape: Column, column: ColumnType) -> Heading:
    axis = {"integer": ",.0f", "decimal": ",~f", "percent": ".0%", "money": ",~f", "minutes": ",~f"}
    return Heading(
        shape.title, shape.name, column.kind, values.is_right(shape, column.kind), axis.get(shape.format or "", "")
    )


def _position(answer: Answer, column: str) -> int:
    at = answer.index(column)
    if at is None:
        known = ", ".join(column.name for column in answer.columns)
        raise RenderFailed(f"The query '{answer.query}' has no column '{column}'.", remedy=f"Its columns are: {known}.")
    return at


def _facts(job: RenderJob, zone: ZoneInfo) -> tuple[str, list[tuple[str, str]]]:
    bounds = filters.bounds_of(job.definition)
    if missing := [name for name in bounds if name not in job.parameters]:
        raise placed(
            RenderFailed(
                f"data_window uses the parameter '{missing[0]}', which has no value.",
                remedy="Name parameters of the report, such as 'from..to'.",
            ),
            report=job.definition.id,
        )
    facts = filters.filters_of(job.definition, job.parameters, zone)
    return dict(facts).get(filters.PERIOD, "") if bounds else "", facts
