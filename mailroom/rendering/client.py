"""Has a job rendered, by the service of this machine or by a renderer of its own."""

from __future__ import annotations

import asyncio

from mailroom.errors import Unavailable
from mailroom.rendering.job import RenderJob, RenderResult
from mailroom.rendering.progress import Tell
from mailroom.rendering.renderers import wire
from mailroom.rendering.renderers.pool import Pool
from mailroom.settings import Settings

CONNECT_SECONDS = 5
WAIT_SECONDS = 1800
"""How long a request waits for its turn, beyond the time that its job may take."""


async def render(
    job: RenderJob, *, settings: Settings, group: str = "", urgent: bool = False, tell: Tell | None = None
) -> RenderResult:
    """Render the job within its limits. After an error or a cancellation nothing is left.

    Where the settings name the service's socket, the service is used and must be there. Where they do not, it is used
    if it is there; otherwise the job gets a renderer process of its own, which ends with it.

    Args:
        group: whose turn the job uses up, such as its owner's id.
        urgent: somebody waits at a screen.
        tell: is called with how far the rendering is, about once a second; it must return at once.

    Raises:
        ConfigurationError, SourceUnavailable, SourceRefused, RenderFailed: see `render.render_here`.
        LimitExceeded: it wanted more than a limit gives, which is named.
        Unavailable: the service does not answer, or broke off; try again later.
    """
    try:
        reader, writer = await connect(settings)
    except Unavailable:
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
        raise Unavailable(
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
        Unavailable: nobody serves there.
    """
    path = settings.renderers_path
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await asyncio.open_unix_connection(path)
    except (OSError, TimeoutError) as error:
        raise Unavailable(
            f"No renderers are running at {path}.",
            remedy="Start them with `mailroom up` or `python -m mailroom.rendering.renderers.service`.",
        ) from error


async def is_serving(settings: Settings) -> bool:
    """Tell whether the service takes connections."""
    try:
        _, writer = await connect(settings)
    except Unavailable:
        return False
    writer.close()
    return True
