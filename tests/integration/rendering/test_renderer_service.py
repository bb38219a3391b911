"""The service on its socket, with real renderers: shared, in turn, given up, stopped, killed."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import struct
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailroom.errors import Unavailable
from mailroom.rendering import client
from mailroom.rendering.job import RenderJob
from mailroom.rendering.renderers import publish, wire
from mailroom.rendering.renderers.pool import Pool
from mailroom.rendering.renderers.publish import handed_over
from mailroom.rendering.renderers.service import Service, serve
from mailroom.rendering.renderers.single_flight import Flight
from mailroom.rendering.renderers.wire import Answer, Request
from mailroom.reports.errors import RenderFailed
from mailroom.reports.spec import Format
from mailroom.settings import CHECKOUT, LONGEST_SOCKET, Settings
from prefect_mailroom.errors import ConfigurationError
from tests.support.processes import below, children_with, gone
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.rendering.conftest import Source

CHILD = "mailroom.rendering.renderers.child"
Make = Callable[..., RenderJob]
Stop = Callable[[], Awaitable[None]]


async def test_twenty_who_ask_for_the_same_share_one_rendering(
    service: Stop, settings: Settings, source: Source, export_job: Make
) -> None:
    source.open.clear()
    jobs = [export_job("same", ("csv", "html"), folder=f"requester-{number}") for number in range(20)]
    asked = [asyncio.create_task(client.render(job, settings=settings, group=str(n))) for n, job in enumerate(jobs)]
    await eventually(lambda: source.asked)
    source.open.set()
    results = await asyncio.gather(*asked)
    late = await client.render(export_job("same", folder="late"), settings=settings)
    assert source.asked == ["/same"]
    assert len({file.sha256 for result in results for file in result.files}) == 2
    for job, result in zip(jobs, results, strict=True):
        assert [file.path for file in result.files] == [job.folder / "report.csv", job.folder / "report.html"]
        assert {path.name for path in job.folder.iterdir()} == {"report.csv", "report.html"}
        results[0].files[0].path.unlink(missing_ok=True)  # What one does with its files is its own affair.
    assert late.files[0].path.read_text("utf-8-sig") == "name,n\na,1\n/same,2\n"


async def test_two_who_want_other_formats_share_the_one_that_both_want(
    service: Stop, settings: Settings, source: Source, export_job: Make
) -> None:
    source.open.clear()
    one = asyncio.create_task(client.render(export_job("x", ("csv",), folder="1"), settings=settings))
    await eventually(lambda: source.asked)
    two = asyncio.create_task(client.render(export_job("x", ("html", "csv"), folder="2"), settings=settings))
    source.open.set()
    first, second = await asyncio.gather(one, two)
    assert source.asked == ["/x", "/x"]
    assert [file.format for file in second.files] == ["html", "csv"]
    assert first.files[0].path.samefile(second.files[1].path)
    assert first.mail_html == second.mail_html


async def test_a_burst_of_one_owner_does_not_hold_up_another_and_previews_go_first(
    source: Source, export_job: Make, tmp_path: Path
) -> None:
    source.open.clear()
    async with Pool(1, warm=False) as pool:
        service = Service(pool, 1, tmp_path / "scratch")

        async def ask(name: str, group: str, urgent: bool = False) -> asyncio.Task[Answer]:
            request = Request(job=export_job(name), group=group, urgent=urgent)
            task = asyncio.create_task(service.answer(request))
            await asyncio.sleep(0)  # The task runs up to where it waits: it is in the queue.
            return task

        asked = [await ask("busy", "a")]
        await eventually(lambda: source.asked == ["/busy"])
        asked += [await ask(f"a{number}", "a") for number in range(4)]
        asked += [await ask("b0", "b"), await ask("preview", "p", urgent=True)]
        source.open.set()
        assert all(answer.result for answer in await asyncio.gather(*asked))
        await service.stop()
    assert source.asked == ["/busy", "/preview", "/a0", "/b0", "/a1", "/a2", "/a3"]


async def test_a_client_that_leaves_gives_its_place_up(
    queued: list[Flight], service: Stop, settings: Settings, source: Source, export_job: Make
) -> None:
    source.open.clear()
    under_way = asyncio.create_task(client.render(export_job("under-way"), settings=settings))
    await eventually(lambda: source.asked)
    behind = asyncio.create_task(client.render(export_job("queued"), settings=settings))
    await eventually(lambda: len(queued) == 2)
    for task in (behind, under_way):
        task.cancel()
    await asyncio.gather(behind, under_way, return_exceptions=True)
    scratch = settings.data_dir / "renderings"
    await eventually(lambda: not list(scratch.iterdir()))
    source.open.set()
    assert (await client.render(export_job("next"), settings=settings)).rows == 2
    assert source.asked == ["/under-way", "/next"]


async def test_errors_keep_their_type_and_are_not_kept(
    service: Stop, settings: Settings, source: Source, export_job: Make, tmp_path: Path
) -> None:
    broken = export_job(template="{{ nothing }}")
    for _ in range(2):
        with pytest.raises(RenderFailed, match="Report 'report': The report's own template failed") as caught:
            await client.render(broken, settings=settings)
        assert caught.value.report == "report"
    assert len(source.asked) == 2
    assert not broken.folder.exists()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RenderFailed, match="cannot be written to"):
        await client.render(export_job().model_copy(update={"folder": tmp_path / "file"}), settings=settings)


async def test_stopped_in_order_it_finishes_what_runs_and_refuses_what_waits(
    queued: list[Flight], service: Stop, settings: Settings, source: Source, export_job: Make
) -> None:
    assert stat.S_IMODE(settings.renderers_path.stat().st_mode) == 0o600
    with pytest.raises(ConfigurationError, match=r"already running at"):
        await serve(settings, asyncio.Event())
    source.open.clear()
    runs = asyncio.create_task(client.render(export_job("runs"), settings=settings))
    await eventually(lambda: source.asked)
    waits = asyncio.create_task(client.render(export_job("waits"), settings=settings, restart_s=0))
    await eventually(lambda: len(queued) == 2)
    stopping = asyncio.ensure_future(service())
    with pytest.raises(Unavailable, match="shutting down"):
        await waits
    source.open.set()
    assert (await runs).rows == 2
    await stopping
    assert not settings.renderers_path.exists()
    with pytest.raises(Unavailable, match="No renderers are running at"):
        await client.render(export_job("late"), settings=settings, restart_s=0)
    with pytest.raises(Unavailable, match="No renderers are running at"):
        await client.render(export_job("late"), settings=settings, urgent=True)
    assert source.asked == ["/runs"]


async def test_a_request_of_another_version_is_tried_again_later(service: Stop, settings: Settings) -> None:
    reader, writer = await client.connect(settings)
    body = b'{"job": {"of": "another version"}}'
    writer.write(struct.pack("!I", len(body)) + body)
    answer = await wire.last_answer(reader, None)
    writer.close()
    with pytest.raises(Unavailable):
        answer.unwrap()


async def test_without_a_named_service_a_job_gets_a_renderer_of_its_own(settings: Settings, export_job: Make) -> None:
    alone = settings.model_copy(update={"renderers_socket": None})
    assert (await client.render(export_job(), settings=alone)).rows == 2
    assert not children_with("mailroom.rendering.renderers.child")


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGKILL])
async def test_a_job_goes_on_with_the_service_that_comes_after_leaving_no_renderer(
    settings: Settings, source: Source, export_job: Make, signal_: signal.Signals
) -> None:
    environment = {
        **os.environ,
        "MAILROOM_DATA_DIR": str(settings.data_dir),
        "MAILROOM_RENDERERS": "1",
        "MAILROOM_RENDERERS_SOCKET": str(settings.renderers_socket),
    }

    async def start() -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mailroom.rendering.renderers.service", env=environment, cwd=CHECKOUT
        )
        await eventually(lambda: client.is_serving(settings))
        return process

    first = await start()
    source.open.clear()
    under_way = asyncio.create_task(client.render(export_job("a"), settings=settings, restart_s=120))
    await eventually(lambda: source.asked)
    queued = asyncio.create_task(client.render(export_job("b"), settings=settings, restart_s=120))
    impatient = asyncio.create_task(client.render(export_job("a", ("html",)), settings=settings, restart_s=0))
    children = below(first.pid)
    assert children
    first.send_signal(signal_)
    with pytest.raises(Unavailable, match=r"was lost|shutting down|No renderers"):
        await impatient
    if signal_ is signal.SIGTERM:  # What is being rendered may end, as it is asked to.
        source.open.set()
    await first.wait()
    await gone(*children)
    source.open.set()
    second = await start()
    assert [(await job).rows for job in (under_way, queued)] == [2, 2]
    second.send_signal(signal.SIGTERM)
    assert await second.wait() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads the umask of another process from /proc")
@pytest.mark.parametrize("mask", [0o022, 0o077])
async def test_started_as_in_production_every_renderer_has_the_umask_of_the_service(
    settings: Settings, export_job: Make, mask: int
) -> None:
    environment = {
        **os.environ,
        "MAILROOM_DATA_DIR": str(settings.data_dir),
        "MAILROOM_RENDERERS": "2",
        "MAILROOM_RENDERERS_SOCKET": str(settings.renderers_socket),
    }
    command = [sys.executable, "-m", "mailroom.rendering.renderers.service"]
    process = await asyncio.create_subprocess_exec(*command, env=environment, cwd=CHECKOUT, umask=mask)
    try:
        await eventually(lambda: len(children_with(CHILD, process.pid)) == 2)
        assert [umask(child.pid) for child in children_with(CHILD, process.pid)] == [mask, mask]
        await eventually(lambda: client.is_serving(settings))
        assert stat.S_IMODE(settings.renderers_path.stat().st_mode) == 0o600
        assert (await client.render(export_job(), settings=settings)).rows == 2
        assert umask(process.pid) == mask
    finally:
        process.terminate()
        await process.wait()


def umask(pid: int) -> int:
    """Return the umask of a process, from Linux's /proc."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("Umask:")]
    return int(line.split()[1], 8)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere; an ordinary user runs this")
async def test_a_folder_that_cannot_be_written_is_named_by_the_error(
    service: Stop, settings: Settings, export_job: Make, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(RenderFailed) as caught:
        await client.render(export_job(folder="../closed/here"), settings=settings)
    assert "closed" in str(caught.value)
    assert "Permission denied" in str(caught.value)


def test_a_folder_of_which_a_part_is_removed_meanwhile_is_removed(tmp_path: Path) -> None:
    """As when the service ends while the files of its last rendering are being removed."""
    parts = [tmp_path / "scratch" / str(number) for number in range(4)]
    for part in parts:
        part.mkdir(parents=True)
        for number in range(500):
            (part / str(number)).touch()
    with ThreadPoolExecutor(8) as threads:
        for removal in [threads.submit(publish.remove, path) for path in [*parts, tmp_path / "scratch"] * 2]:
            removal.result()
    assert not (tmp_path / "scratch").exists()


def test_a_socket_path_that_is_too_long_is_replaced_by_a_short_one_for_all_alike(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    settings = Settings(data_dir=deep)
    assert settings.renderers_path == Settings(data_dir=deep).renderers_path
    assert len(os.fsencode(settings.renderers_path)) <= LONGEST_SOCKET
    assert settings.renderers_path != Settings(data_dir=tmp_path / ("e" * 120)).renderers_path
    short = Settings(data_dir=tmp_path)
    assert short.renderers_path == tmp_path / "renderers.sock"


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second file system")
async def test_files_reach_another_file_system_too(
    service: Stop, settings: Settings, export_job: Make, tmp_path: Path
) -> None:
    result = await client.render(export_job(formats=("csv",)), settings=settings)
    other = Path("/dev/shm") / f"mailroom-test-{os.getpid()}"
    try:
        there = handed_over(result, other)
        assert there.files[0].path.read_bytes() == result.files[0].path.read_bytes()
        assert [path.name for path in other.iterdir()] == ["report.csv"]
        assert there.files[0].format == Format.CSV
    finally:
        for path in other.iterdir():
            path.unlink()
        other.rmdir()
