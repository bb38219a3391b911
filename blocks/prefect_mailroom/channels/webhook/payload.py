"""The bodies of a webhook: facts about the report, with links to its files, with their content, or with the files."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

from prefect_mailroom.channels.base import Parcel, ParcelFile
from prefect_mailroom.errors import ConfigurationError, Refused
from prefect_mailroom.text.filenames import safe_filename

MAX_FACTS_BYTES = 20_000
MAX_INLINE_BYTES = 1_000_000
MAX_FILES_BYTES = 100_000_000
_TEXTS = {"application/json", "text/csv"}

Extra = Callable[[ParcelFile], dict[str, str]]


def facts(parcel: Parcel) -> bytes:
    """Return the facts as JSON; of the files, what they are.

    Raises:
        Refused: they are no JSON, or too long.
    """
    return _bounded(_json(parcel, lambda _file: {}))


def with_links(parcel: Parcel) -> bytes:
    """Return the facts with the address of each file.

    Raises:
        ConfigurationError: there is no link to a file.
        Refused: see `facts`.
    """
    if missing := [file.filename for file in parcel.files if not parcel.links.get(file.sha256)]:
        raise ConfigurationError(
            f"No download link can be made for '{missing[0]}'.",
            remedy="Ask the operator to switch download links on, or choose another payload.",
            field="payload",
        )
    return _bounded(_json(parcel, lambda file: {"url": parcel.links[file.sha256]}))


def inline(parcel: Parcel) -> bytes:
    """Return the facts with the content of each file: `text` for JSON and CSV, `base64` for everything else.

    Raises:
        Refused: the files are too large, or changed since they were rendered; and see `facts`.
    """
    if (size := sum(file.size for file in parcel.files)) > MAX_INLINE_BYTES:
        raise Refused(
            f"The files are {size:,} bytes, but inline a webhook takes at most {MAX_INLINE_BYTES:,}.",
            remedy="Choose payload: link or multipart, or fewer formats.",
        )
    facts(parcel)  # The facts themselves keep their limit.
    return _json(parcel, _content)


def check_size_of_files(parcel: Parcel) -> None:
    """Refuse files that are too large to be sent as they are.

    Raises:
        Refused: they are.
    """
    if (size := sum(file.size for file in parcel.files)) > MAX_FILES_BYTES:
        raise Refused(
            f"The files are {size:,} bytes, but a webhook takes at most {MAX_FILES_BYTES:,}.",
            remedy="Choose payload: link, or fewer formats.",
        )


def _content(file: ParcelFile) -> dict[str, str]:
    content = file.path.read_bytes()
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise Refused(
            f"'{file.filename}' differs from the rendered file: its checksum is different.",
            remedy="Run the schedule again.",
        )
    if file.media_type.partition(";")[0].strip().lower() in _TEXTS:
        try:
            return {"text": content.decode()}
        except UnicodeDecodeError:
            pass  # Another encoding of text is sent byte by byte, as any other file.
    return {"base64": base64.b64encode(content).decode()}


def _json(parcel: Parcel, extra: Extra) -> bytes:
    files = [
        {
            "filename": safe_filename(file.filename),
            "media_type": file.media_type,
            "bytes": file.size,
            "sha256": file.sha256,
            **extra(file),
        }
        for file in parcel.files
    ]
    data = {**parcel.facts, "files": files} if files or parcel.event == "report.ready" else dict(parcel.facts)
    payload: dict[str, Any] = {"type": parcel.event, "test": parcel.is_test, "data": data}
    try:
        return json.dumps(payload, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise Refused(
            "The facts about this report cannot be written as JSON.", remedy=("Remove NaN values from the report.")
        ) from error


def _bounded(body: bytes) -> bytes:
    if len(body) > MAX_FACTS_BYTES:
        raise Refused(
            f"The facts about this report are {len(body):,} bytes, but a webhook takes at most {MAX_FACTS_BYTES:,}.",
            remedy="Show fewer key figures.",
        )
    return body
