"""Single flight: who joins whom, and what each gets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mailroom.rendering.job import RenderedFile, RenderJob, RenderResult
from mailroom.rendering.renderers.single_flight import Flights, identity, merged
from mailroom.reports.spec import Format

Make = Callable[..., RenderJob]


@pytest.fixture
def job(job_of: Make) -> RenderJob:
    """A job for PDF and XLSX."""
    return job_of([{"kind": "table", "query": "rows"}], ["pdf", "xlsx"])


async def test_equal_jobs_share_a_flight_with_a_folder_of_its_own(job: RenderJob, tmp_path: Path) -> None:
    flights = Flights(tmp_path / "flights")
    [first], begun = flights.join(job)
    assert begun is first
    assert first.job.folder.parent == tmp_path / "flights"
    [second], new = flights.join(job.model_copy(update={"folder": tmp_path / "another"}))
    assert (second, new, first.waiting) == (first, None, 2)
    flights.close(first)
    [third], new = flights.join(job)
    assert third is new is not first
    assert third.job.folder != first.job.folder


async def test_each_format_flies_once(job: RenderJob, tmp_path: Path) -> None:
    flights = Flights(tmp_path)
    [pdf], _ = flights.join(job.model_copy(update={"formats": [Format.PDF]}))
    both, new = flights.join(job)
    assert new is not None
    assert both == [pdf, new]
    assert new.job.formats == [Format.XLSX]
    message, none = flights.join(job.model_copy(update={"formats": []}))
    assert (message, none) == ([pdf], None)
    flights.close(pdf)
    assert flights.all() == {new}


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {"a": 1}},
        {"timezone": "UTC"},
        {"access": {"url": "another"}},
        {"due_at": timedelta(minutes=1)},
        {"limits": {"rows": 5}},
        {"definition": {"title": "Another"}},
    ],
)
def test_whatever_changes_the_output_makes_another_identity(job: RenderJob, change: dict[str, Any]) -> None:
    [(name, value)] = change.items()
    old = getattr(job, name)
    if name == "due_at":
        value = old + value
    elif name in ("limits", "definition"):
        value = old.model_copy(update=value)
    other = job.model_copy(update={name: value})
    assert identity(other) != identity(job)
    assert identity(job.model_copy(update={"folder": Path("/elsewhere"), "formats": []})) == identity(job)


def file_of(format_: str, content: str) -> RenderedFile:
    """A file as a renderer describes it."""
    path = Path(f"/{content}/r.{format_}")
    return RenderedFile(path=path, filename=path.name, format=format_, media_type="x/y", size=1, sha256=content)


def test_a_request_gets_its_files_in_its_order_and_one_message() -> None:
    one = RenderResult(files=[file_of("csv", "1"), file_of("pdf", "1")], mail_text="first", notices=["n"])
    two = RenderResult(files=[file_of("xlsx", "2")], mail_text="second", rows=7, notices=["n", "m"])
    whole = merged([Format.XLSX, Format.PDF, Format.XLSX], [one, two])
    assert [(file.format, file.sha256) for file in whole.files] == [("xlsx", "2"), ("pdf", "1")]
    assert (whole.mail_text, whole.rows, whole.notices) == ("first", 7, ["n", "m"])
