"""Run moto so that it handles one request after the other: `moto_server.py PORT [CHAIN]`.

Its own server answers each request in a thread, where two writers with `If-None-Match: *` may both find nothing and
both write. S3 decides for one of them; so does this.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple


class OneAtATime:
    """Hand one whole request after the other to an application."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # A client that is slow, or goes away, holds up nobody: the request is read before its turn comes.
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        with self._lock:
            answer: Iterable[bytes] = self._application(environ, start_response)
        return answer


def main() -> None:
    port, *chain = sys.argv[1:]
    application = OneAtATime(DomainDispatcherApplication(create_backend_app))
    run_simple(
        "127.0.0.1",
        int(port),
        application,
        threaded=True,
        use_reloader=False,
        ssl_context=(chain[0], chain[0]) if chain else None,
        request_handler=MotoRequestHandler,
    )


if __name__ == "__main__":
    main()
