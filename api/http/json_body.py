"""Read JSON bodies within limits, and refuse what the standard parser would let through."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute

from api.http.problems import Refusal

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_MEMBERS = 100_000


def parse(body: bytes, *, what: str = "The body") -> Any:
    """Parse UTF-8 JSON.

    Raises:
        Refusal: 400 for malformed JSON, a repeated key, NaN or Infinity, too deep nesting, a NUL or half a character.
    """
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant, parse_float=_number
        )
    except RecursionError:
        _refuse(f"{what} is nested deeper than {MAX_DEPTH} levels.", "Flatten it.")
    except UnicodeDecodeError:
        _refuse(f"{what} is not UTF-8.", "Send UTF-8.")
    except json.JSONDecodeError as error:
        message = f"{what} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        _refuse(message, "Check the quotes and commas.")
    except ValueError:  # The interpreter's limit on the digits of an integer.
        _refuse(f"{what} contains a number with too many digits.", "Send smaller numbers.")
    _check(value, what)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            _refuse(f"The key '{key[:60]}' occurs twice in one object.", "Send each key once.")
        result[key] = value
    return result


def _constant(name: str) -> NoReturn:
    _refuse(f"{name} is not JSON.", "Send null, or leave the field out.")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refuse(f"The number {text[:40]} is too large.", "Send smaller numbers.")
    return value


def _check(value: Any, what: str) -> None:
    level, depth, members = [value], 0, 0
    while level:
        depth += 1
        members += len(level)
        if depth > MAX_DEPTH:
            _refuse(f"{what} is nested deeper than {MAX_DEPTH} levels.", "Flatten it.")
        if members > MAX_MEMBERS:
            _refuse(f"{what} has more than {MAX_MEMBERS:,} members.", "Send less data at once.")
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.keys()
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str) and not _is_whole(item):
                _refuse(f"{what} contains a NUL character or an incomplete character.", "Remove it.")
        level = below


def _is_whole(text: str) -> bool:
    """Tell whether a text has no NUL and no half of a surrogate pair; in time that does not hold others up."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse(detail: str, remedy: str) -> NoReturn:
    raise Refusal(400, "malformed", detail, remedy=remedy)


class LimitedRequest(Request):
    """A request whose body is read up to `MAX_BYTES` and parsed strictly."""

    async def body(self) -> bytes:
        """Return the body.

        Raises:
            Refusal: 413 for one that is too large, told by its length or found while reading.
        """
        if not hasattr(self, "_body"):
            declared = self.headers.get("content-length", "0")
            size = int(declared) if declared.isdecimal() else 0
            chunks: list[bytes] = []
            if size <= MAX_BYTES:
                size = 0
                async for chunk in self.stream():
                    size += len(chunk)
                    if size > MAX_BYTES:
                        break
                    chunks.append(chunk)
            if size > MAX_BYTES:
                detail = f"The body is larger than {MAX_BYTES:,} bytes."
                raise Refusal(413, "too-large", detail, remedy="Send less.", headers={"Connection": "close"})
            self._body = b"".join(chunks)
        return self._body

    async def json(self) -> Any:
        """Return the parsed body; see `parse`."""
        if not hasattr(self, "_json"):
            self._json = parse(await self.body())
        return self._json


class JsonRoute(APIRoute):
    """A route that reads its body through `LimitedRequest`, and takes JSON alone."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler."""
        handler = super().get_route_handler()

        async def limited(request: Request) -> Response:
            limited_request = LimitedRequest(request.scope, request.receive)
            if (coding := request.headers.get("content-encoding", "identity").strip().lower()) != "identity":
                # Nothing is ever unpacked here, so no small body becomes a large one.
                detail = f"The body is sent with the content coding '{coding[:40]}'; this API takes none."
                headers = {"Accept-Encoding": "identity"}
                raise Refusal(415, "content-coding", detail, remedy="Send the body as it is.", headers=headers)
            if request.method in {"POST", "PUT", "PATCH"} and await limited_request.body():
                media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
                if media != "application/json" and not (media.startswith("application/") and media.endswith("+json")):
                    detail = f"The body is of type '{media[:80]}'; this endpoint accepts only JSON."
                    raise Refusal(415, "media-type", detail, remedy="Send Content-Type: application/json.")
                # Here, since FastAPI turns whatever its own reading raises into a bare 400.
                await limited_request.json()
            return await handler(limited_request)

        return limited
