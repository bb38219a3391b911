"""Takes jobs from stdin and answers on stdout: `python -m mailroom.rendering.renderers.child [--warm]`.

One job at a time. It says that it is ready with an empty answer, and ends when its stdin does.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from queue import SimpleQueue

from pydantic import BaseModel

from mailroom.rendering.job import RenderJob
from mailroom.rendering.progress import Meter, Progress
from mailroom.rendering.renderers import limits, wire
from mailroom.reports.errors import placed
from prefect_mailroom.errors import MailroomError


class Order(BaseModel):
    """A job and the folder that is its own while it lasts: for its files, and for what libraries leave about.

    With `progress`, answers before the last one tell how far the rendering is.
    """

    job: RenderJob
    work: Path
    progress: bool = False


def files_folder(work: Path) -> Path:
    """Return where in a job's working folder its files are made."""
    return work / "files"


def main() -> None:
    """Answer jobs until stdin ends."""
    # Whatever a library prints must not mix with the answers.
    answer_to = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    orders: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    from mailroom.rendering.render import render_into, translated  # noqa: PLC0415 - the parent waits for it

    def told(progress: Progress) -> None:
        answer_to.write(wire.packed(wire.Answer(progress=progress)))
        answer_to.flush()

    def done(order: Order) -> wire.Answer:
        try:
            limits.keep(order.job.limits)
            _use_for_temporary_files(order.work / "tmp")
            meter = Meter(told if order.progress else None)
            return wire.Answer(result=render_into(order.job, files_folder(order.work), meter))
        except MailroomError as error:
            return wire.failed(error)
        except Exception as error:
            return wire.failed(placed(translated(error, order.job), report=order.job.definition.id))

    if "--warm" in sys.argv[1:]:
        _warm()
    ready = wire.Answer()
    answer_to.write(wire.packed(ready))
    answer_to.flush()
    while True:
        order = Order.model_validate_json(orders.get())
        answer = done(order)
        del order
        gc.collect()  # Readers and documents refer to themselves; their memory is for the next job.
        limits.lift()
        answer_to.write(wire.packed(answer))
        answer_to.flush()


def _listen(orders: SimpleQueue[bytes]) -> None:
    """Pass the orders on. When the parent has gone, nobody waits for the job that may be under way: end at once."""
    while (body := wire.receive_blocking(sys.stdin.buffer)) is not None:
        orders.put(body)
    os._exit(0)


def _use_for_temporary_files(folder: Path) -> None:
    """Use the folder for temporary files; it is removed with the job's other files, even if the job is killed."""
    folder.mkdir(parents=True)
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)


def _warm() -> None:
    """Load what is heavy, and let the two engines work once: the first chart alone takes half a second."""
    import vl_convert  # noqa: PLC0415 - only where it is wanted

    from mailroom.rendering.formats import pdf  # noqa: PLC0415 - see above
    from mailroom.rendering.sources import sql  # noqa: F401, PLC0415 - see above

    bars = {"data": {"values": [{"x": "a", "y": 1}]}, "mark": "bar", "encoding": {"x": {"field": "x"}}}
    vl_convert.vegalite_to_svg(bars, allowed_base_urls=[])
    vl_convert.vegalite_to_png(bars, allowed_base_urls=[])
    pdf.warm()


if __name__ == "__main__":
    try:
        main()
    except BaseException:  # At its own way out Python would abort, since the listener waits for stdin; that hid errors.
        traceback.print_exc()
        os._exit(70)
