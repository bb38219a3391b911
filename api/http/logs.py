"""Write logs as JSON lines, each with the id of the request it belongs to.

JSON escapes line breaks and control characters, so nothing that a user sends can forge a line.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import Processor

from api.http.auth import shown
from mailroom import log_lines

REQUEST_ID = "X-Request-ID"
Unexpected = Callable[[Scope, str], Response]
"""Makes the answer to an error that nobody expected, of the request and the id that the log has it under."""
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def _to_stderr(*_args: Any) -> structlog.PrintLogger:
    # Looked up at each use: a supervisor, or a test, may have put another stream there.
    return structlog.PrintLogger(sys.stderr)


def configure() -> None:
    """Set up structlog for this process, and the lines that the rooms below write."""
    log_lines.guard()
    _ours_as_json()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=_to_stderr,
        cache_logger_on_first_use=False,
    )


class _ToStderr(logging.Handler):
    """Write records of the domain as JSON lines, like those of requests."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            sys.stderr.write(self.format(record) + "\n")
        except Exception:
            self.handleError(record)


def _ours_as_json() -> None:
    """Let the loggers of our rooms write JSON, checkpoints of the audit trail included."""
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    shared: list[Processor] = [structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, stamp]
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    made: list[Processor] = [strip, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    handler = _ToStderr()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=made))
    logging.getLogger("mailroom.audit").setLevel(logging.INFO)  # Its checkpoints are no warnings.
    for room in log_lines.ROOMS:
        logger = logging.getLogger(room)
        logger.handlers = [one for one in logger.handlers if not isinstance(one, _ToStderr)] + [handler]


class RequestLog:
    """Middleware around all that do anything: names the request, logs it, answers what nothing else has caught."""

    def __init__(self, app: ASGIApp, unexpected: Unexpected) -> None:
        self._app, self._unexpected = app, unexpected
        self._log = structlog.get_logger("api")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _ACCEPTABLE.fullmatch(given) else uuid4().hex
        status, begun = 0, time.perf_counter()

        async def tagged(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, tagged)
            except Exception:
                error_id = uuid4().hex
                self._log.exception("unexpected_error", error_id=error_id, path=shown(scope["path"]))
                if status:
                    raise  # The answer has begun: the server can only cut the connection.
                await self._unexpected(scope, error_id)(scope, receive, tagged)
            finally:
                self._log.info(
                    "request",
                    method=scope["method"],
                    path=shown(scope["path"]),
                    status=status,
                    ms=round((time.perf_counter() - begun) * 1000, 1),
                )
