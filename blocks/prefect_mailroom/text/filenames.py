"""File names and paths that are safe on every far side: POSIX, Windows shares, SFTP servers, object stores, mail.

Two rules: a dangerous path that a person typed is refused, so that they see it; a name that comes from a value or a
report is made safe (`safe_filename`), so that a delivery does not fail over a slash in a title.
Nothing here imports Prefect.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import unquote

from prefect_mailroom.errors import ConfigurationError

MAX_NAME_BYTES = 255
MAX_PATH_CHARACTERS = 1000

_RESERVED = {"con", "prn", "aux", "nul"} | {f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"}
# Marks that reorder what a reader sees (U+202E shows "fdp.exe" as "exe.pdf"), and the invisible byte order mark.
_INVISIBLE = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
_FORBIDDEN_IN_NAMES = re.compile(r'[/\\:*?"<>|]')


def is_hostile(character: str) -> bool:
    """Tell whether a character has no place in one line of text: control, line break, bidi override, lone surrogate."""
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in _INVISIBLE


def clean_line(text: str) -> str:
    """Return the text as one harmless line: line breaks and tabs become blanks, other hostile characters go; NFC."""
    blanks = "".join(" " if character in "\t\n\v\f\r\x85\u2028\u2029" else character for character in text)
    return unicodedata.normalize("NFC", "".join(character for character in blanks if not is_hostile(character)))


def safe_filename(name: str, *, max_bytes: int = MAX_NAME_BYTES) -> str:
    """Return a file name that every system takes, near to `name`; never empty, `.`, `..`, or with a folder.

    The result is NFC, at most `max_bytes` bytes of UTF-8 and keeps its extension when it is cut.
    """
    text = _bare(_FORBIDDEN_IN_NAMES.sub("-", clean_line(name)))
    if not text.strip("."):
        return "file"
    if text.split(".", 1)[0].rstrip().casefold() in _RESERVED:
        text = f"_{text}"
    return _cut(text, max_bytes)


def _cut(name: str, max_bytes: int) -> str:
    if len(name.encode()) <= max_bytes:
        return name
    path = PurePosixPath(name)
    suffix = path.suffix if len(path.suffix.encode()) <= 20 else ""
    stem = name.removesuffix(suffix).encode()[: max_bytes - len(suffix.encode())].decode(errors="ignore")
    return _bare(stem) + suffix


def _bare(name: str) -> str:
    """Take off blanks and dashes at the beginning, and blanks and dots at the end, in any order and number."""
    return re.sub(r"^[\s-]+|[\s.]+$", "", name)


def safe_relative_path(path: str, *, field: str = "path") -> PurePosixPath:
    """Return the path below a root, NFC, or a refusal that names the segment at fault.

    Raises:
        ConfigurationError: it is absolute, climbs (`..`, also written `%2e%2e`), contains a backslash, NUL or other
            control character, an empty, reserved or over-long segment, or one that starts with `-`.
    """
    text = unicodedata.normalize("NFC", path)
    fault = _fault_of_path(text) or next(filter(None, map(_fault_of_segment, text.split("/"))), "")
    if fault:
        shown = "".join("\N{REPLACEMENT CHARACTER}" if is_hostile(character) else character for character in text[:120])
        raise ConfigurationError(
            f"The path '{shown}' {fault}.",
            remedy="Use a path below the connection's root, such as reports/{date}/{report_slug}.{ext}.",
            field=field,
        )
    return PurePosixPath(text)


def _fault_of_path(path: str) -> str:
    if not path:
        return "is empty"
    if len(path) > MAX_PATH_CHARACTERS:
        return f"is longer than {MAX_PATH_CHARACTERS} characters"
    if any(is_hostile(character) for character in path):
        return "contains a control character or one that changes the text direction"
    if "\\" in path:
        return "contains a backslash"
    return "is absolute" if path.startswith("/") or re.match(r"^[A-Za-z]:", path) else ""


def _fault_of_segment(segment: str) -> str:
    if not segment:
        return "has an empty segment"
    decoded = unquote(segment).strip()
    if not decoded.strip(". ") or "/" in decoded or "\\" in decoded:
        return f"has the segment '{segment}', which leaves its folder"
    if segment.startswith("-"):
        return f"has the segment '{segment}', which starts with a dash and looks like an option"
    if len(segment.encode()) > MAX_NAME_BYTES:
        return f"has a segment of more than {MAX_NAME_BYTES} bytes"
    if (safe := safe_filename(segment)) != segment:
        return f"has the segment '{segment}', which some systems refuse ('{safe}' is fine)"
    return ""
