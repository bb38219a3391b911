"""A canary: a secret that is looked for afterwards, in the forms in which it could lie somewhere."""

from __future__ import annotations

import base64
import contextlib
import http.server
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

CANARY = "c4n4ry/7f3a&Zq=Ümläut"
"""Looks different once it is quoted for a URL, for JSON or for base64, so that each of these is looked for too."""


def forms(secret: str = CANARY) -> set[bytes]:
    """Return the secret as bytes, as it is and in every spelling in which it could be written down."""
    plain = secret.encode()
    # Its beginning is in ASCII, so that it is also found where the rest is escaped or of another encoding.
    begin = secret[: len(secret) - len("Ümläut")]
    quoted = {quote(begin), quote(begin, safe=""), quote(begin, safe="").lower()}
    found = {begin.encode(), begin.encode().hex().encode(), *(one.encode() for one in quoted)}
    for shift in range(3):
        # Within a longer text base64 of it depends on where it begins; the characters at the edges depend on more.
        encoded = base64.b64encode(b"x" * shift + plain)[(0, 2, 3)[shift] :]
        found.add(encoded[: len(encoded) // 4 * 4 - 4])
    return found


def found_in(content: bytes) -> bool:
    """Tell whether the canary is in this content, in any of its forms."""
    return any(form in content for form in forms())


def files_with_it(folders: Iterable[Path]) -> list[Path]:
    """Return every file below these folders that has the canary in its content or in its name."""
    files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    return [file for file in files if found_in(file.read_bytes()) or found_in(str(file).encode())]


class FarSide(http.server.BaseHTTPRequestHandler):
    """Answers with the status that the path begins with, and gives back all that it was told, as bad servers do."""

    def do_POST(self) -> None:  # the library's name
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        told = f"{self.path} {self.headers} ".encode() + body
        if self.command == "GET" and self.path.startswith("/200"):
            told = b"region,amount\r\nEMEA,1\r\n"  # An export that works; what it has is the report's own data.
        status = int(self.path.split("/")[1])
        self.send_response(status, CANARY.encode("ascii", "replace").decode())
        if 300 <= status < 400:
            self.send_header("Location", f"http://169.254.169.254/{quote(CANARY)}")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST  # noqa: N815  # the library's name

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@contextlib.contextmanager
def telling_far_side() -> Iterator[str]:
    """Serve `FarSide` on loopback while the block runs; yields its base URL."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), FarSide) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
