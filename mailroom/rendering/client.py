"""Has a job rendered, by the service of this machine or by a renderer of its own."""

from __future__ import annotations

import asyncio
import time

from mailroom.errors import Unavailable
from mailroom.rendering.job import RenderJob, RenderResult
from mailroom.rendering.progress import Tell
from mailroom.rendering.renderers import wire
from mailroom.rendering.renderers.pool import Pool
from mailroom.settings import Settings

CONNECT_SECONDS = 5
WAIT_SECONDS = 1800
"""How long a request waits for its turn, beyond the time that its job may take."""
RESTART_SECONDS = 20
"""A service that is restarted is back within seconds; a run that gave up would come again after half a minute."""
_PAUSE_SECONDS = 0.5


async def render(
    job: RenderJob,
    *,
    settings: Settings,
    group: str = "",
    urgent: bool = False,
    tell: Tell | None = None,
    restart_s: float | None = None,
) -> RenderResult:
    """Render the job within its limits. After an error or a cancellation nothing is left.

    Where the settings name the service's socket, the service is used and must be there. Where they do not, it is used
    if it is there; otherwise the job gets a renderer process of its own, which ends with it. A service that goes
    away is asked again once it is back.

    Args:
        group: whose turn the job uses up, such as its owner's id.
        urgent: somebody waits at a screen, and is told at once that the service is not there.
        tell: is called with how far the rendering is, about once a second; it must return at once.
        restart_s: so many seconds a service that is not there is waited for; None: `RESTART_SECONDS`.

    Raises:
        ConfigurationError, SourceUnavailable, SourceRefused, RenderFailed: see `render.render_here`.
        LimitExceeded: it wanted more than a limit gives, which is named.
        Unavailable: the service does not answer, or broke off; try again later.
    """
    until: float | None = None
    while True:
        try:
            return await _render_once(job, settings, group=group, urgent=urgent, tell=tell)
        except wire.Restarting:
            until = until or time.monotonic() + (RESTART_SECONDS if restart_s is None else restart_s)
            if urgent or time.monotonic() >= until:
                raise
            await asyncio.sleep(_PAUSE_SECONDS)


async def _render_once(
    job: RenderJob, settings: Settings, *, group: str, urgent: bool, tell: Tell | None
) -> RenderResult:
    try:
        reader, writer = await connect(settings)
    except wire.Restarting:
        if settings.renderers_socket is not None:
            raise
        async with Pool(1, warm=False) as pool:
            return await pool.render(job, tell)
    try:
        async with asyncio.timeout(WAIT_SECONDS + 2 * job.limits.seconds):
            writer.write(wire.packed(wire.Request(job=job, group=group, urgent=urgent, progress=tell is not None)))
            await writer.drain()
            answer = await wire.last_answer(reader, tell)
    except (wire.Broken, ConnectionError) as error:
        raise wire.Restarting(
            "The connection to the renderers was lost.", remedy=("The renderers are being restarted. Try again.")
        ) from error
    except TimeoutError as error:
        raise Unavailable(
            "The renderers were too busy for this job.", remedy="Try again later, or run more renderers."
        ) from error
    finally:
        writer.close()
    return answer.unwrap()


async def connect(settings: Settings) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a connection to the service.

    Raises:
        Restarting: nobody serves there, at least for now.
    """
    path = settings.renderers_path
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await asyncio.open_unix_connection(path)
    except (OSError, TimeoutError) as error:
        raise wire.Restarting(
            f"No renderers are running at {path}.",
            remedy="Start them with `mailroom up` or `python -m mailroom.rendering.renderers.service`.",
        ) from error


async def is_serving(settings: Settings) -> bool:
    """Tell whether the service takes connections."""
    try:
        _, writer = await connect(settings)
    except wire.Restarting:
        return False
    writer.close()
    return True
