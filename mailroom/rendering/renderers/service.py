"""The renderers of this machine: `python -m mailroom.rendering.renderers.service` serves them on a Unix socket.

Flow runs, previews of the API and the command line all come here. A request is one connection with one message, and
its end gives the place up. Equal requests share a rendering; groups take turns; previews go first.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from mailroom import own_endpoints
from mailroom import settings as settings_module
from mailroom.errors import Unavailable
from mailroom.rendering.job import RenderResult
from mailroom.rendering.progress import Progress, Tell
from mailroom.rendering.renderers import wire
from mailroom.rendering.renderers.fair_queue import FairQueue
from mailroom.rendering.renderers.pool import Pool
from mailroom.rendering.renderers.publish import handed_over, not_put, remove
from mailroom.rendering.renderers.single_flight import Flight, Flights, merged
from mailroom.reports.errors import RenderFailed
from mailroom.settings import Settings
from prefect_mailroom.errors import ConfigurationError, MailroomError

_LOG = logging.getLogger(__name__)
LINGER_SECONDS = 10
"""How long a rendering can still be had, for those who looked for it in the database just before it was stored."""
STOP_SECONDS = 10
REQUEST_SECONDS = 30
BACKLOG = 4096


class Service:
    """Carries requests out, as many at once as the pool has renderers.

    Args:
        folder: for renderings under way; on the file system of the store, files are handed over without a copy.
    """

    def __init__(self, pool: Pool, size: int, folder: Path, *, linger: float = LINGER_SECONDS) -> None:
        self._pool, self._linger = pool, linger
        self._flights = Flights(folder)
        self._queue: FairQueue[Flight] = FairQueue()
        self._wake = asyncio.Event()
        self._lanes = [asyncio.create_task(self._lane()) for _ in range(size)]
        self._stopping = False
        self.connections: set[asyncio.Task[None]] = set()

    async def answer(self, request: wire.Request, tell: Tell | None = None) -> wire.Answer:
        """Render what is asked, or wait for the same that is under way. Errors are answers too.

        Args:
            tell: is called with how far each rendering is that the request waits for.
        """
        if self._stopping:
            return wire.failed(_stopping())
        flights, new = self._flights.join(request.job)
        try:
            for flight in flights:
                if tell is not None:
                    flight.listen(tell)
                if flight is new or (flight.running is None and not flight.done.done()):
                    self._queue.push(flight, group=request.group, urgent=request.urgent)
            self._wake.set()
            answers = [await asyncio.shield(flight.done) for flight in flights]
            results = [answer.unwrap() for answer in answers]
            whole = merged(request.job.formats, results)
            return wire.Answer(result=await asyncio.to_thread(handed_over, whole, request.job.folder))
        except MailroomError as error:
            return wire.failed(error)
        except OSError as error:
            return wire.failed(not_put(request.job.folder, error))
        finally:
            for flight in flights:
                if tell is not None:
                    flight.listeners.remove(tell)
                self._leave(flight, keep=not request.urgent)

    async def stop(self) -> None:
        """Refuse what waits, let what runs finish for a while, end the rest."""
        self._stopping = True
        while (flight := self._queue.pop()) is not None:
            flight.done.set_result(wire.failed(_stopping()))
        under_way = [flight.running for flight in self._flights.all() if flight.running is not None]
        if under_way:
            await asyncio.wait(under_way, timeout=STOP_SECONDS)
        for lane in self._lanes:
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)
        if self.connections:  # Those whose answer is there shall have it.
            await asyncio.wait(self.connections, timeout=STOP_SECONDS)

    async def _lane(self) -> None:
        while True:
            flight = self._queue.pop()
            if flight is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            flight.running, began = asyncio.create_task(self._pool.render(flight.job, flight.told)), time.monotonic()
            try:
                await asyncio.wait({flight.running})
            except asyncio.CancelledError:
                flight.running.cancel()
                await asyncio.gather(flight.running, return_exceptions=True)
                flight.done.set_result(wire.failed(_stopping()))
                raise
            outcome = "given up"
            if not flight.running.cancelled():
                answer = _answer_of(flight.running)
                flight.done.set_result(answer)
                outcome = "done" if answer.error is None else str(answer.error["type"])
                if answer.error is not None:
                    self._flights.close(flight)
            formats = ", ".join(flight.job.formats)
            _LOG.info("%s (%s): %s after %.2f s.", flight.job.definition.id, formats, outcome, time.monotonic() - began)
            if not flight.waiting:
                self._remove(flight)

    def _leave(self, flight: Flight, *, keep: bool) -> None:
        """Note that a request needs the flight no more; with the last one it ends, or stays a moment if it is done."""
        flight.waiting -= 1
        if flight.waiting:
            return
        if flight.done.done():
            whole = flight.done.result().error is None
            asyncio.get_running_loop().call_later(self._linger if keep and whole else 0, self._remove, flight)
            return
        self._queue.discard(flight)
        self._flights.close(flight)
        if flight.running is not None:
            flight.running.cancel()

    def _remove(self, flight: Flight) -> None:
        if not flight.waiting and not flight.removed:  # Others may have come, and may have gone again.
            flight.removed = True
            self._flights.close(flight)
            asyncio.get_running_loop().run_in_executor(None, remove, flight.job.folder)


def _answer_of(task: asyncio.Task[RenderResult]) -> wire.Answer:
    try:
        return wire.Answer(result=task.result())
    except MailroomError as error:
        return wire.failed(error)
    except Exception as error:  # The service must outlive whatever happens to one job.
        _LOG.exception("A rendering failed unexpectedly.")
        return wire.failed(
            RenderFailed(
                f"Rendering stopped with {type(error).__name__}.", remedy=("See the log of the renderer service.")
            )
        )


def _stopping() -> wire.Restarting:
    return wire.Restarting(
        "The renderers are shutting down.", remedy=("The rendering will be tried again when they are back.")
    )


async def connected(service: Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection: read a request, answer it, unless the client leaves before."""
    task = asyncio.current_task()
    assert task is not None
    service.connections.add(task)
    task.add_done_callback(service.connections.discard)
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            body = await wire.receive(reader)
    except (wire.Broken, TimeoutError):  # Such as a look whether anybody is here.
        writer.close()
        return
    try:
        request = wire.Request.model_validate_json(body)
    except ValidationError as error:
        _LOG.warning("A request cannot be read: it has %d faults.", error.error_count())
        # While an installation is upgraded they may be of different versions: that ends with the upgrade.
        fault = Unavailable(
            "The renderers cannot read the request. They may be of another version.", remedy="Restart the renderers."
        )
        writer.write(wire.packed(wire.failed(fault)))
        writer.close()
        return

    def tell(progress: Progress) -> None:
        writer.write(wire.packed(wire.Answer(progress=progress)))

    work = asyncio.create_task(service.answer(request, tell if request.progress else None))
    left = asyncio.create_task(reader.read(1))
    try:
        await asyncio.wait({work, left}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            writer.write(wire.packed(work.result()))
            await writer.drain()
    except ConnectionError:
        _LOG.info("A client disconnected before it got its answer.")
    finally:
        work.cancel()
        left.cancel()
        await asyncio.gather(work, left, return_exceptions=True)
        writer.close()


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set.

    Raises:
        ConfigurationError: another service has the socket.
    """
    path = settings.renderers_path
    with _held(path):
        scratch = _emptied(settings.data_dir / "renderings")
        async with Pool(settings.renderers) as pool:
            service = Service(pool, settings.renderers, scratch)
            server = await asyncio.start_unix_server(
                lambda reader, writer: connected(service, reader, writer), sock=_bound(path), backlog=BACKLOG
            )
            _LOG.info("%d renderers serve on %s.", settings.renderers, path)
            await stop.wait()
            server.close()
            await service.stop()
            path.unlink(missing_ok=True)
        remove(scratch)


def _emptied(scratch: Path) -> Path:
    """Make the folder for renderings under way, without what a service that was killed has left in it.

    Raises:
        ConfigurationError: this user may not write there.
    """
    remove(scratch)
    try:
        scratch.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise ConfigurationError(
            f"The folder {scratch} for renderings in progress cannot be created again: {error.strerror}.",
            remedy="Remove it yourself, and start Mailroom as the user who owns the data folder.",
            field="MAILROOM_DATA_DIR",
        ) from error
    return scratch


def _bound(path: Path) -> socket.socket:
    """Return a Unix socket at `path` that only this user can connect to.

    Nobody can connect before it listens, so its mode is set in time. A umask would do the same, but it holds for the
    whole process, and renderers that are started at that moment would inherit it.
    """
    path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(os.fspath(path))
        path.chmod(0o600)
    except BaseException:
        bound.close()
        raise
    return bound


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold the lock beside the socket, so that there is one service for it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent.stat().st_uid != os.getuid():
        raise ConfigurationError(f"{path.parent} belongs to another user.", field="MAILROOM_RENDERERS_SOCKET")
    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise ConfigurationError(
            f"Other renderers are already running at {path}.",
            remedy="Stop those renderers, or set MAILROOM_RENDERERS_SOCKET to another path.",
            field="MAILROOM_RENDERERS_SOCKET",
        ) from error
    finally:
        os.close(descriptor)


async def _until_told(settings: Settings) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(settings, stop)


def main() -> None:
    """Serve with the environment's settings until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    settings = settings_module.current()
    own_endpoints.close(settings)
    asyncio.run(_until_told(settings))


if __name__ == "__main__":
    main()
