"""Send a file in blocks, several at once, which become the blob by one last request.

Each upload draws names of its own for its blocks: with names by their place alone, two writers of one name would mix
their content. Their length is that of Azure's own client, since Azure refuses blocks whose names are longer or shorter
than those that wait already.
"""

from __future__ import annotations

import contextvars
import hashlib
import uuid
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from azure.storage.blob import BlobBlock, BlobClient

from prefect_mailroom.channels.azure.container import Container
from prefect_mailroom.channels.azure.wire.faults import translated
from prefect_mailroom.channels.objects.source import Source

SIZE = 8 * 1_048_576
"""Send so many bytes at once. What is smaller is one request."""
AT_ONCE = 4
_MOST_BLOCKS = 50_000
_TRIES = 2
"""Send a block so often again if its answer is lost: nobody sees it before the last request."""


def size_for(total: int) -> int:
    """Return the size of a block, so that the file has no more of them than Azure takes. Pure."""
    return max(SIZE, -(-total // _MOST_BLOCKS))


def send(
    blob: BlobClient, source: Source, container: Container, shown: str, options: dict[str, Any]
) -> tuple[list[BlobBlock], str]:
    """Send all blocks of a file, and return them in order, with the MD5 of the whole.

    Raises:
        MailroomError, Lost: a block could not be sent. What was sent is removed by Azure after a week, and no reader
            ever sees it.
    """
    attempt, whole, size = uuid.uuid4().hex, hashlib.md5(usedforsecurity=False), size_for(source.size)
    blocks: list[BlobBlock] = []

    def stage(name: str, content: bytes) -> None:
        with translated(container, "write", shown):
            blob.stage_block(
                name,
                content,
                length=len(content),
                validate_content=True,
                retry_total=_TRIES,
                **options,
            )

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="mailroom-azure") as pool:
        on_their_way: set[Future[None]] = set()
        while content := source.read(size):
            whole.update(content)
            name = f"{attempt}{len(blocks):016d}"
            blocks.append(BlobBlock(name))
            if len(on_their_way) == AT_ONCE:
                on_their_way = _without_done(on_their_way)
            on_their_way.add(pool.submit(contextvars.copy_context().run, stage, name, content))
        while on_their_way:
            on_their_way = _without_done(on_their_way)
    return blocks, whole.hexdigest()


def _without_done(on_their_way: set[Future[None]]) -> set[Future[None]]:
    """Wait for the next block that has arrived, and return the others."""
    done, others = wait(on_their_way, return_when=FIRST_COMPLETED)
    for one in done:
        one.result()
    return others
