"""A report made by a command: its files are passed on as they are, with a short message beside them."""

from __future__ import annotations

import asyncio
import hashlib
import html
import mimetypes
from pathlib import Path
from typing import Any

from mailroom.rendering.job import Limits, RenderedFile, RenderResult
from mailroom.reports.spec import ReportDefinition, ShellSource
from mailroom.storage.hosts.clock import local_time
from prefect_mailroom.sources.shell import ShellSource as ShellBlock
from prefect_mailroom.text.filenames import safe_filename


async def run_shell(
    block: ShellBlock,
    source: ShellSource,
    definition: ReportDefinition,
    parameters: dict[str, Any],
    folder: Path,
    limits: Limits,
) -> RenderResult:
    """Run the command; what it leaves in `folder` are the artifacts.

    Raises:
        ConfigurationError, SourceRefused: see `ShellSource.run`.
    """
    began_at = local_time()
    left = await block.run(
        command=source.command,
        parameters=parameters,
        folder=folder,
        timeout_seconds=min(source.timeout_seconds, limits.seconds),
        max_file_mb=limits.output_mb,
    )
    times = {"began_at": began_at, "ended_at": local_time()}
    files = await asyncio.to_thread(lambda: [_described(path).model_copy(update=times) for path in left])
    text = f"{definition.title}\n\n{definition.description}\n".strip()
    page = f"<h1>{html.escape(definition.title)}</h1><p>{html.escape(definition.description)}</p>"
    return RenderResult(files=files, mail_text=text, mail_html=page)


def _described(path: Path) -> RenderedFile:
    with path.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    return RenderedFile(
        path=path,
        filename=safe_filename(path.name),
        format=path.suffix.removeprefix(".").lower()[:20] or "file",
        media_type=mimetypes.guess_type(path.name)[0] or "application/octet-stream",
        size=path.stat().st_size,
        sha256=sha256,
    )
