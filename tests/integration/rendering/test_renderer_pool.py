"""A pool of real renderer processes: killed, hungry, slow, grown; and always the same result as rendering here."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from mailroom.rendering.job import RenderJob
from mailroom.rendering.render import render_here
from mailroom.rendering.renderers import renderer
from mailroom.rendering.renderers.pool import Pool
from mailroom.rendering.renderers.publish import working_folder
from mailroom.reports.errors import LimitExceeded, RenderFailed
from mailroom.reports.spec import Format
from tests.support.processes import children_with
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.rendering.conftest import Source

Make = Callable[..., RenderJob]
HUNGRY = "{{ 'a'|center(3000000000)|length }}"
ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


def renderers() -> set[int]:
    """The renderer processes of this test."""
    return {child.pid for child in children_with("mailroom.rendering.renderers.child")}


def works_on(job: RenderJob) -> int:
    """The process that renders the job now, by its working folder; 0 where there is none."""
    found = [re.fullmatch(r"\.rendering-(\d+)", path.name) for path in job.folder.glob(".rendering-*")]
    return int(found[0][1]) if found and found[0] else 0


def kill_renderer_of(job: RenderJob) -> int:
    """Kill the process that renders the job now; returns its id."""
    pid = works_on(job)
    assert pid, "To kill process 0 is to kill this test."
    os.kill(pid, signal.SIGKILL)
    return pid


async def test_results_are_those_of_rendering_here_and_no_job_leaves_a_trace(
    export_job: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    formats = ("csv", "html", "pdf", "xlsx")
    here = await asyncio.to_thread(render_here, export_job(formats=formats, folder="here"))
    monkeypatch.setenv("TMPDIR", str(temporary))
    async with Pool(1) as pool:
        for again in ("one", "two"):
            broken = export_job("other", folder="broken", template="{{ nothing }}")
            with pytest.raises(RenderFailed, match="own template"):
                await pool.render(broken)
            there = await pool.render(export_job(formats=formats, folder=again))
            assert [file.sha256 for file in there.files] == [file.sha256 for file in here.files]
            assert (there.mail_html, there.mail_text, there.rows) == (here.mail_html, here.mail_text, 2)
            assert {path.name for path in (tmp_path / "out" / again).iterdir()} == {f"report.{f}" for f in formats}
        assert len(renderers()) == 1
        assert list(temporary.iterdir()) == []
    assert renderers() == set()


async def test_a_renderer_that_is_killed_once_is_not_noticed(export_job: Make, source: Source) -> None:
    async with Pool(2, warm=False) as pool:
        source.open.clear()
        job = export_job()
        waiting = asyncio.create_task(pool.render(job))
        await eventually(lambda: source.asked == ["/a"])
        first = kill_renderer_of(job)
        await eventually(lambda: source.asked == ["/a", "/a"])
        assert works_on(job) not in (0, first)
        source.open.set()
        assert (await waiting).rows == 2
        await eventually(lambda: len(renderers()) == 2)


async def test_one_that_is_killed_again_fails_its_own_job_and_no_other(export_job: Make, source: Source) -> None:
    async with Pool(2, warm=False) as pool:
        source.open.clear()
        job, other = export_job("a"), export_job("b")
        waiting, beside = asyncio.create_task(pool.render(job)), asyncio.create_task(pool.render(other))
        await eventually(lambda: sorted(source.asked) == ["/a", "/b"])
        first = kill_renderer_of(job)
        await eventually(lambda: works_on(job) not in (0, first))
        kill_renderer_of(job)
        with pytest.raises(RenderFailed, match="Report 'report': The renderer process was ended by SIGKILL") as caught:
            await waiting
        assert not isinstance(caught.value, LimitExceeded)
        assert not list(job.folder.iterdir())
        source.open.set()
        assert (await beside).rows == 2
        assert (await pool.render(job)).rows == 2


async def test_a_renderer_that_dies_while_it_waits_is_replaced(export_job: Make) -> None:
    async with Pool(2, warm=False) as pool:
        await asyncio.gather(*(pool.render(export_job(name)) for name in "abcd"))
        for pid in renderers():
            os.kill(pid, signal.SIGKILL)
        await eventually(lambda: not renderers())
        assert (await pool.render(export_job("e"))).rows == 2


@pytest.mark.parametrize(
    ("limit", "template", "limits"),
    [("memory_mb", HUNGRY, {"memory_mb": 200, "seconds": 60}), ("seconds", ENDLESS, {"seconds": 1.5})],
)
async def test_a_job_over_its_limit_costs_its_renderer_and_no_other_job(
    export_job: Make, limit: str, template: str, limits: dict[str, Any]
) -> None:
    async with Pool(2, warm=False) as pool:
        await pool.render(export_job("warm-up"))
        await eventually(lambda: len(renderers()) == 2)
        before = renderers()
        greedy = asyncio.create_task(pool.render(export_job("greedy", template=template, **limits)))
        others = await asyncio.gather(*(pool.render(export_job(f"other-{number}")) for number in range(5)))
        assert [result.rows for result in others] == [2] * 5
        with pytest.raises(LimitExceeded) as caught:
            await greedy
        assert caught.value.limit == limit
        await eventually(lambda: len(renderers()) == 2)
        assert len(before & renderers()) == 1
        assert (await pool.render(export_job("after"))).rows == 2


async def test_one_job_after_another_meets_the_same_process_until_it_has_grown(
    export_job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Pool(1, warm=False) as pool:
        await pool.render(export_job("a"))
        [first] = renderers()
        # Each job has its own limits, whatever those before it had used.
        for number in range(3):
            await pool.render(export_job(f"b{number}", seconds=5, memory_mb=100))
        assert renderers() == {first}
        monkeypatch.setattr(renderer, "GROWN_MB", 1)
        await pool.render(export_job("c"))
        await eventually(lambda: renderers() - {first})
        assert first not in renderers()


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere; an ordinary user runs this")
async def test_the_error_of_a_closed_folder_is_the_first_one(export_job: Make, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    async with Pool(1, warm=False) as pool:
        with pytest.raises(RenderFailed) as caught:
            await pool.render(export_job().model_copy(update={"folder": closed}))
        assert "Permission denied" in str(caught.value)
        assert str(closed) in str(caught.value)
        [alive] = renderers()
        assert (await pool.render(export_job("after"))).rows == 2
        assert renderers() == {alive}


@pytest.mark.skipif(os.getuid() == 0, reason="root may remove everything; an ordinary user runs this")
def test_a_working_folder_that_cannot_be_removed_hides_no_error(
    export_job: Make, caplog: pytest.LogCaptureFixture
) -> None:
    job = export_job()
    with pytest.raises(RenderFailed, match="the first error"), working_folder(job, 1) as work:  # noqa: PT012  it is the block
        (work / "files").mkdir(parents=True)
        (work / "files" / "report.csv").write_text("")
        (work / "files").chmod(0o500)
        raise RenderFailed("the first error")
    assert "could not be removed" in caplog.text
    (work / "files").chmod(0o700)


async def test_no_database_stays_open_after_a_job(export_job: Make, tmp_path: Path) -> None:
    path = tmp_path / "data.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("create table t (n integer)")
    database.close()
    job = export_job("sql")
    source = {"kind": "sql", "connection": "c", "queries": {"rows": "select n from t"}}
    definition = job.definition.model_validate({**job.definition.model_dump(), "source": source})
    access = {"kind": "sql", "url": f"sqlite:///{path}", "statement_timeout": 60}
    async with Pool(1, warm=False) as pool:
        await pool.render(job.model_copy(update={"definition": definition, "access": access}))
        [pid] = renderers()
        assert str(path) not in [file.path for file in psutil.Process(pid).open_files()]
        assert Format.CSV in job.formats
