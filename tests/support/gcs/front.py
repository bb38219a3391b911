"""Stand before an emulator of Google Cloud Storage, and do what it leaves out.

It asks for a token that `identities` has given out, enforces `ifGenerationMatch` of uploads and removals one request
after another for each object, ends uploads in parts by DELETE, and refuses content whose checksum is not the one that
was told. It can be told to fail.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import io
import json
import re
import ssl
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import google_crc32c

from tests.support.gcs.identities import STORAGE_SCOPE, Identities

_OBJECT = re.compile(r"/(?:download/)?storage/v1/b/[^/]+/o/([^/]+)")
QUARTER = 262_144
"""Every piece of an upload in parts but the last is a multiple of it."""
_HOP = {"connection", "transfer-encoding", "content-length", "host"}


Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Session:
    """An upload in parts."""

    name: str
    generation: str | None
    crc32c: int = 0
    received: int = 0


@dataclass
class Front:
    """What the server does; a test may change it at any time.

    Attributes:
        fails: for a kind of request (`start`, `piece`, `upload`, `look`, `remove`, `read`, `list`) the answers in place
            of the store's, one for each request: a status, and headers.
        after: called with the kind of request before its answer goes back, such as to cut the connection by an error.
        asked: the kind of each request, in order.
        finished: what was answered at the end of an upload in parts, by its id; it is told again. A test may clear it.
        ended: the names of the uploads in parts that were ended.
        open: those that are under way, by their id.
        keys: the keys of Cloud KMS that were named.
        callers: on whose behalf each request was, in order.
        corrupts: whether the content of uploads is changed on its way.
        leads_to: the address that uploads in parts are told to go to, in place of this one.
    """

    port: int = 0
    scheme: str = "http"
    identities: Identities = field(default_factory=Identities)
    fails: dict[str, list[tuple[int, dict[str, str]]]] = field(default_factory=dict)
    after: Any = None
    asked: list[str] = field(default_factory=list)
    finished: dict[str, Reply] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    open: dict[str, Session] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    callers: list[str] = field(default_factory=list)
    corrupts: bool = False
    leads_to: str = ""
    _locks: dict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))

    @property
    def url(self) -> str:
        """Return its address."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def key_file(self) -> str:
        """Return the key file of an account whose tokens are good here."""
        return self.identities.key_file(self.url)


def _error(status: int, reason: str, message: str = "canary-answer") -> Reply:
    told = {"error": {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}}
    return status, {"content-type": "application/json"}, json.dumps(told).encode()


def _what_arrives(source: io.BufferedIOBase, size: int) -> bytes:
    """Read a body; where the connection breaks, what came of it."""
    pieces: list[bytes] = []
    missing = size
    with contextlib.suppress(OSError):
        while missing and (piece := source.read1(min(missing, 1_048_576))):
            pieces.append(piece)
            missing -= len(piece)
    return b"".join(pieces)


class _Desk:
    """One request, on its way to the emulator."""

    def __init__(self, front: Front, upstream: int, method: str, path: str, headers: Any, body: bytes) -> None:
        self.front, self.upstream = front, upstream
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        if front.corrupts and self.path.startswith("/upload/") and self.kind != "start":
            at = len(body) // 2
            self.body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :] if body else body

    @property
    def kind(self) -> str:
        """Return what the request is about."""
        if self.path.startswith("/upload/"):
            is_piece = "upload_id" in self.query
            return ("end" if self.method == "DELETE" else "piece") if is_piece else self._of_upload()
        if self.method == "DELETE":
            return "remove"
        if self.query.get("alt") == "media":
            return "read"
        return "look" if _OBJECT.match(self.path) else "list"

    def _of_upload(self) -> str:
        return "start" if self.query.get("uploadType") == "resumable" else "upload"

    def reply(self) -> Reply:
        if key := self.query.get("kmsKeyName"):
            self.front.keys.append(key)
            if "missing" in key:
                return _error(400, "invalid", "Cloud KMS key not found.")
        match self.kind:
            case "start" | "upload":
                return self._begun(self._named())
            case "piece":
                return self._piece(self.query["upload_id"])
            case "end":
                session = self.front.open.pop(self.query["upload_id"], None)
                if session is None:
                    return _error(404, "notFound")
                self.front.ended.append(session.name)
                return 499, {}, b""
            case "remove":
                name = unquote(_OBJECT.match(self.path)[1])  # type: ignore[index]  # Its kind says that it matches.
                with self.front._locks[name]:
                    return self._unless(name, self.query.get("ifGenerationMatch")) or self.passed_on()
        return self.passed_on()

    def _named(self) -> str:
        if "name" in self.query:
            return self.query["name"]
        found = re.search(rb'"name":\s*("(?:[^"\\]|\\.)*")', self.body)
        assert found, self.body[:300]
        return str(json.loads(found[1]))

    def _begun(self, name: str) -> Reply:
        wanted = self.query.get("ifGenerationMatch")
        with self.front._locks[name]:
            reply = self._unless(name, wanted) or self.passed_on()
            address = reply[1].get("location", "")
            if address:
                self.front.open[parse_qs(urlsplit(address).query)["upload_id"][0]] = Session(name, wanted)
                here = f"http://127.0.0.1:{self.front.port}"  # The emulator knows nothing of TLS before it.
                reply[1]["location"] = address.replace(here, self.front.leads_to or self.front.url)
            return reply

    def _piece(self, upload_id: str) -> Reply:
        session = self.front.open.get(upload_id)
        if session is None:
            return self.front.finished.get(upload_id) or _error(404, "notFound")
        with self.front._locks[session.name]:
            told = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", self.headers.get("content-range", ""))
            if told is None:
                return self._arrived(session)  # It is asked what has arrived.
            start, total = int(told[1]), int(told[3])
            if start != session.received:  # Sent once more, since the answer was lost: the store ignores it.
                return self._arrived(session)
            is_whole = len(self.body) == int(told[2]) + 1 - start
            if not is_whole:  # The connection broke: whole quarters of a megabyte are kept.
                self.body = self.body[: len(self.body) // QUARTER * QUARTER]
                if not self.body:
                    return self._arrived(session)
                self.headers.replace_header("content-range", f"bytes {start}-{start + len(self.body) - 1}/{total}")
            session.crc32c = google_crc32c.extend(session.crc32c, self.body)
            session.received += len(self.body)
            if session.received == total:
                if refused := self._unless(session.name, session.generation):
                    del self.front.open[upload_id]
                    return refused
                own = base64.b64encode(session.crc32c.to_bytes(4, "big")).decode()
                if self.headers.get("x-goog-hash", f"crc32c={own}") != f"crc32c={own}":
                    return _error(400, "invalid", "Provided CRC32C doesn't match calculated CRC32C.")
            reply = self.passed_on()
            if reply[0] in (200, 201):
                del self.front.open[upload_id]
                self.front.finished[upload_id] = reply
            return reply

    def _arrived(self, session: Session) -> Reply:
        return 308, {"range": f"bytes=0-{session.received - 1}"} if session.received else {}, b""

    def _unless(self, name: str, wanted: str | None) -> Reply | None:
        """Return the refusal of a request whose precondition does not hold."""
        if wanted is None:
            return None
        status, _, body = self.passed_on("GET", f"/storage/v1/b/{self._bucket()}/o/{quote(name, safe='')}", b"")
        now = str(json.loads(body)["generation"]) if status == 200 else "0"
        return None if now == wanted else _error(412, "conditionNotMet")

    def _bucket(self) -> str:
        found = re.search(r"/b/([^/]+)/o", self.path)
        assert found, self.path
        return found[1]

    def passed_on(self, method: str = "", path: str = "", body: bytes | None = None) -> Reply:
        """Return the emulator's own reply."""
        link = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=30)
        sent = {name: value for name, value in self.headers.items() if name.lower() not in _HOP} if not path else {}
        content = self.body if body is None else body
        sent |= {"Host": self.headers["host"], "Content-Length": str(len(content))}
        with contextlib.closing(link):
            link.request(method or self.method, path or self.path, content, sent)
            answer = link.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders() if name.lower() not in _HOP}
            return answer.status, headers, answer.read()


@contextlib.contextmanager
def front_of(upstream: int, tls: ssl.SSLContext | None = None) -> Iterator[Front]:
    """Serve from threads before the emulator at a port, while the block runs."""
    front = Front(scheme="https" if tls else "http")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = _what_arrives(self.rfile, int(self.headers.get("content-length") or 0))
            given = front.identities.answer(self.command, self.path, self.headers, body)
            if given is not None:
                flavor = {"content-type": "application/json", "metadata-flavor": "Google"}
                return self._say(given[0], flavor, json.dumps(given[1]).encode())
            desk = _Desk(front, upstream, self.command, self.path, self.headers, body)
            front.asked.append(desk.kind)
            caller = front.identities.who(self.headers.get("authorization", ""), STORAGE_SCOPE)
            front.callers.append(caller)
            if not caller:
                return self._say(*_error(401, "authError"))
            if waiting := front.fails.get(desk.kind):
                status, headers = waiting.pop(0)
                _, kind, told = _error(status, headers.get("reason", "backendError"))
                return self._say(status, {**headers, **kind}, told)
            reply = desk.reply()
            if front.after is not None:
                front.after(desk.kind, self.connection)
            return self._say(*reply)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815  # The names are the library's.

        def _say(self, status: int, headers: dict[str, str], content: bytes) -> None:
            with contextlib.suppress(OSError):
                self.send_response(status, "Said")
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    front.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield front
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
