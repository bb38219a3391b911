"""Renders one job in this process: one pass over the source, all its files, the mail body made from the same rows."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import traceback
from pathlib import Path

from prefect_mailroom.errors import MailroomError
from reports.definition import MEDIA_TYPES, Format, HttpSource, KeyFiguresSection, SqlSource
from reports.rendering import answers as answers_
from reports.rendering import html, limits, pdf, text, values
from reports.rendering.answers import Answer
from reports.rendering.build import build
from reports.rendering.data_files import DataFiles
from reports.rendering.document import Chart, Document
from reports.rendering.errors import RenderFailed, placed
from reports.rendering.job import RenderedFile, RenderJob, RenderResult, working_folder
from reports.rendering.rows import Reader
from reports.rendering.sources import open_reader
from reports.rendering.xlsx_cells import TooManyRows

MAIL_LIMIT = 5_000_000
"""Bytes that a report's own template may give for a mail."""


def render_here(job: RenderJob) -> RenderResult:
    """Render the job in this process, with no limit but that on rows.

    The files appear in the job's folder together, at the end; after an error none of them does.

    Raises:
        SourceUnavailable, SourceRefused, ConfigurationError: from the source or the set-up.
        RenderFailed, LimitExceeded: the report cannot be made. Every error names the report, and its part if known.
    """
    try:
        with open_reader(job.definition, job.access, job.parameters, job.limits) as reader:
            return render_from(job, reader)
    except MailroomError as error:
        raise placed(error, report=job.definition.id) from error


def render_from(job: RenderJob, reader: Reader) -> RenderResult:
    """Render the job from a reader that is already open; see `render_here`."""
    try:
        return _in_working_folder(job, reader)
    except MailroomError as error:
        raise placed(error, report=job.definition.id) from error
    except Exception as error:
        raise placed(_translated(error, job), report=job.definition.id) from error


def _in_working_folder(job: RenderJob, reader: Reader) -> RenderResult:
    job.folder.mkdir(parents=True, exist_ok=True)
    work = working_folder(job, os.getpid())
    work.mkdir()
    try:
        try:
            result = _render(job, reader, work, fast_xlsx=job.fast_xlsx)
        except TooManyRows:  # More than one sheet holds: the other library goes on in a second sheet.
            shutil.rmtree(work)
            work.mkdir()
            result = _render(job, reader, work, fast_xlsx=False)
        return _published(result, job.folder)
    finally:
        shutil.rmtree(work)


def _render(job: RenderJob, reader: Reader, work: Path, *, fast_xlsx: bool) -> RenderResult:
    def path_of(format_: Format) -> Path:
        return work / f"{job.definition.id}.{format_}"

    needs = answers_.needs_of(job.definition, job.formats, _queries(job))
    data = DataFiles(job, needs, path_of, fast_xlsx=fast_xlsx)
    try:
        answers: dict[str, Answer] = {}
        for query, need in needs.items():
            try:
                answers[query] = answers_.read(reader, query, need, max_rows=job.limits.rows)
            except MailroomError as error:
                raise placed(error, report=job.definition.id, section=f"query '{query}'") from error
        document = build(job, answers)
        data.finish(document)
    except BaseException as error:
        data.abandon(error)
        raise
    _visual(job, document, path_of)
    images = {}
    for part in document.sections:
        if isinstance(part, Chart) and part.points:
            images[f"chart-{part.number}"] = html.write_picture(part, work / f"chart-{part.number}.png")
    main = answers.get(job.definition.data_query or "")
    return RenderResult(
        files=[_file(path_of(format_), format_, data.rows.get(format_)) for format_ in dict.fromkeys(job.formats)],
        mail_html=html.mail(
            document, template=job.definition.template, parameters=job.parameters, max_bytes=MAIL_LIMIT
        ),
        mail_text=text.plain(document),
        mail_images=images,
        rows=main.total if main else None,
        figures=_figures(job, answers),
        notices=[*document.notices, *data.notices],
    )


def _queries(job: RenderJob) -> set[str]:
    source = job.definition.source
    if isinstance(source, SqlSource):
        return set(source.queries)
    return {"rows"} if isinstance(source, HttpSource) else set()


def _visual(job: RenderJob, document: Document, path_of: html.PathOf) -> None:
    if Format.HTML in job.formats:
        page = html.page(
            document,
            template=job.definition.template,
            parameters=job.parameters,
            max_bytes=job.limits.output_mb * 1_000_000,
        )
        path_of(Format.HTML).write_text(page, encoding="utf-8")
    if Format.PDF in job.formats:
        pdf.write_pdf(document, path_of(Format.PDF), created=job.due_at)
    if Format.PNG in job.formats:
        pdf.write_png(document, path_of(Format.PNG), created=job.due_at)


def _figures(job: RenderJob, answers: dict[str, Answer]) -> dict[str, dict[str, object]]:
    figures: dict[str, dict[str, object]] = {}
    for section in job.definition.sections:
        if isinstance(section, KeyFiguresSection) and (head := answers[section.query].head):
            names = [column.name for column in answers[section.query].columns]
            figures[section.query] = dict(zip(names, map(values.plain_json, head[0]), strict=True))
    return figures


def _file(path: Path, format_: Format, rows: int | None) -> RenderedFile:
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
    )


def _published(result: RenderResult, folder: Path) -> RenderResult:
    """The result with its files moved to their folder: all of them, or none."""
    moved: list[Path] = []
    try:
        for path in [*(file.path for file in result.files), *result.mail_images.values()]:
            moved.append(path.replace(folder / path.name))  # noqa: PERF401 - must be known if a later one fails
    except OSError:
        for path in moved:
            path.unlink()
        raise
    files = [file.model_copy(update={"path": folder / file.path.name}) for file in result.files]
    images = {name: folder / path.name for name, path in result.mail_images.items()}
    return result.model_copy(update={"files": files, "mail_images": images})


def _translated(error: Exception, job: RenderJob) -> RenderFailed:
    """An error that nothing expected, without its words: they may hold data or a secret."""
    if isinstance(error, MemoryError):
        return limits.memory_exceeded(job.limits)
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EFBIG or "File too large" in str(error):
        return limits.output_exceeded(job.limits)
    if number == errno.ENOSPC:
        return RenderFailed(f"No space is left on the disk of {job.folder}.", remedy="Make room and render again.")
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return RenderFailed(
        f"It broke off with {type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}.",
        remedy="This is a fault of Mailroom or of the report's data; the log of the renderer may tell more.",
    )
