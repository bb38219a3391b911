"""Renders one job in this process: one pass over the source, all its files, the mail body made from the same rows."""

from __future__ import annotations

import errno
import hashlib
import os
import traceback
from pathlib import Path
from zoneinfo import ZoneInfo

from mailroom.errors import Unavailable
from mailroom.rendering.document import answers as answers_
from mailroom.rendering.document import values
from mailroom.rendering.document.answers import Answer
from mailroom.rendering.document.build import build, head_of
from mailroom.rendering.document.model import Chart, Document
from mailroom.rendering.document.rows import Reader
from mailroom.rendering.facts.gather import Gathering
from mailroom.rendering.formats import html, pdf, text
from mailroom.rendering.formats.data_files import DataFiles
from mailroom.rendering.job import RenderedFile, RenderJob, RenderResult
from mailroom.rendering.progress import Meter
from mailroom.rendering.renderers import limits
from mailroom.rendering.renderers.publish import not_put, publish, working_folder
from mailroom.rendering.sources import open_reader
from mailroom.reports.errors import RenderFailed, placed
from mailroom.reports.spec import MEDIA_TYPES, Format, HttpSource, KeyFiguresSection, SqlSource
from mailroom.storage.full_disk import is_full, no_room
from prefect_mailroom.errors import ConfigurationError, MailroomError

MAIL_LIMIT = 5_000_000
"""Bytes that a report's own template may give for a mail."""


def render_here(job: RenderJob) -> RenderResult:
    """Render the job in this process, with no limit but that on rows.

    The files appear in the job's folder together, at the end; after an error none of them does.

    Raises:
        SourceUnavailable, SourceRefused, ConfigurationError: from the source or the set-up.
        RenderFailed, LimitExceeded: the report cannot be made. Every error names the report, and its part if known.
        Unavailable: the disk is full.
    """
    with working_folder(job, os.getpid()) as work:
        return publish(render_into(job, work), job.folder)


def render_into(job: RenderJob, work: Path, meter: Meter | None = None) -> RenderResult:
    """Render the job to files in the new folder `work`, which the caller publishes or removes; see `render_here`.

    Args:
        meter: counts what is done, and tells of it.
    """
    meter = meter or Meter()
    try:
        work.mkdir(parents=True)
        if isinstance(job.definition.source, HttpSource) and job.definition.source.pass_on:
            return _passed_on(job, work, meter)
        with open_reader(job.definition, job.access, job.parameters, job.limits) as reader:
            return render_from(job, reader, work, meter)
    except MailroomError as error:
        raise placed(error, report=job.definition.id) from error
    except Exception as error:
        raise placed(translated(error, job), report=job.definition.id) from error


def render_from(job: RenderJob, reader: Reader, work: Path, meter: Meter | None = None) -> RenderResult:
    """Render the job from a reader that is open to files in the folder `work`. Errors may come as they are."""
    meter = meter or Meter()

    def path_of(format_: Format) -> Path:
        return work / f"{job.definition.id}.{format_}"

    needs = answers_.needs_of(job.definition, job.formats, _queries(job))
    gathering = Gathering(needs, job.asked, ZoneInfo(job.timezone))
    data = DataFiles(job, needs, path_of, meter)
    try:
        answers: dict[str, Answer] = {}
        for query, need in needs.items():
            try:
                answers[query] = answers_.read(reader, query, need, max_rows=job.limits.rows, count=meter.read)
            except MailroomError as error:
                raise placed(error, report=job.definition.id, section=f"query '{query}'") from error
        document = build(job, answers)
        data.finish(document)
    except BaseException as error:
        data.abandon(error)
        raise
    _visual(job, document, path_of, meter)
    picture = pdf.write_first_page(document, work / "picture.png", created=job.due_at) if job.picture else None
    images = {}
    for part in document.sections:
        if isinstance(part, Chart) and part.points:
            images[f"chart-{part.number}"] = html.write_picture(part, work / f"chart-{part.number}.png")
    main = answers.get(job.definition.data_query or "")
    return RenderResult(
        files=[
            _file(path_of(format_), format_, data.rows.get(format_), meter) for format_ in dict.fromkeys(job.formats)
        ],
        mail_html=_mail(job, document),
        mail_text=text.plain(document),
        mail_images=images,
        rows=main.total if main else None,
        figures=_figures(job, answers),
        notices=[*document.notices, *data.notices],
        picture=picture,
        facts=gathering.facts(answers),
    )


def _passed_on(job: RenderJob, work: Path, meter: Meter) -> RenderResult:
    """Return the export of another product as it came, with a mail body that says what it is."""
    source = job.definition.source
    assert isinstance(source, HttpSource)  # The caller has looked.
    if [format_.value for format_ in job.formats] != [source.content]:
        raise ConfigurationError(
            f"The report passes on a {source.content} file and has no other format.",
            remedy=f"Choose only {source.content}, or set `pass_on: false`.",
            field="formats",
        )
    from mailroom.rendering.sources.http import fetch  # noqa: PLC0415 - httpx only where it is needed

    path = work / f"{job.definition.id}.{source.content}"
    meter.begin(job.formats[0])
    fetch(source, job.access, job.parameters, path)
    meter.end(job.formats[0])
    document = head_of(job)
    # How its text is encoded is for the other product to say, not for us.
    kind = MEDIA_TYPES[job.formats[0]].partition(";")[0]
    return RenderResult(
        files=[_file(path, job.formats[0], None, meter).model_copy(update={"media_type": kind})],
        mail_html=_mail(job, document),
        mail_text=text.plain(document),
    )


def _queries(job: RenderJob) -> set[str]:
    source = job.definition.source
    if isinstance(source, SqlSource):
        return set(source.queries)
    return {"rows"} if isinstance(source, HttpSource) else set()


def _visual(job: RenderJob, document: Document, path_of: html.PathOf, meter: Meter) -> None:
    if Format.HTML in job.formats:
        meter.begin(Format.HTML)
        page = html.page(
            document,
            template=job.definition.template,
            parameters=job.parameters,
            max_bytes=job.limits.output_mb * 1_000_000,
        )
        path_of(Format.HTML).write_text(page, encoding="utf-8")
        meter.end(Format.HTML)
    for format_, write in ((Format.PDF, pdf.write_pdf), (Format.PNG, pdf.write_png)):
        if format_ in job.formats:
            meter.begin(format_)
            write(document, path_of(format_), created=job.due_at)
            meter.end(format_)


def _mail(job: RenderJob, document: Document) -> str:
    return html.mail(document, template=job.definition.template, parameters=job.parameters, max_bytes=MAIL_LIMIT)


def _figures(job: RenderJob, answers: dict[str, Answer]) -> dict[str, dict[str, object]]:
    figures: dict[str, dict[str, object]] = {}
    for section in job.definition.sections:
        if isinstance(section, KeyFiguresSection) and (head := answers[section.query].head):
            names = [column.name for column in answers[section.query].columns]
            figures[section.query] = dict(zip(names, map(values.plain_json, head[0]), strict=True))
    return figures


def _file(path: Path, format_: Format, rows: int | None, meter: Meter) -> RenderedFile:
    made = meter.of(format_)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return RenderedFile(
        path=path,
        filename=path.name,
        format=format_.value,
        media_type=MEDIA_TYPES[format_],
        size=path.stat().st_size,
        sha256=digest,
        rows=rows,
        began_at=made.began_at if made else None,
        ended_at=made.ended_at if made else None,
    )


def translated(error: Exception, job: RenderJob) -> RenderFailed | Unavailable:
    """Return the error for one that nothing expected, without its words: they may hold data or a secret.

    A disk that is full is no fault of the report: it is tried again.
    """
    if isinstance(error, MemoryError):
        return limits.memory_exceeded(job.limits)
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EFBIG or "File too large" in str(error):
        return limits.output_exceeded(job.limits)
    if is_full(error):
        return no_room(job.folder)
    if isinstance(error, PermissionError) and job.folder in Path(str(error.filename)).parents:
        return not_put(job.folder, error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return RenderFailed(
        f"Rendering stopped with {type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}.",
        remedy="The cause is an error in Mailroom or in the report's data. The renderer's log may say more.",
    )
