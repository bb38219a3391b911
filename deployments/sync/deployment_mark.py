"""The last line of a description: which generation wrote the deployment, whether paused, and a digest of what it wrote.

It arrives in the same request as everything else. So a deployment tells by itself whether somebody changed it after us,
whatever our own tables say: a crash between our write and Prefect's is never taken for a person's hand. Not in its
version: to a worker, another version means other code, and a process of its own.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

_FORM = re.compile(
    r"(?P<text>.*)\n\n\((?P<generation>\d{1,9}) (?P<state>active|paused) (?P<digest>[0-9a-f]{12})\)", re.DOTALL
)
_BY_STATE = {"paused", "active"}
"""What people switch in Prefect's interface; it is judged by itself."""


@dataclass(frozen=True, slots=True)
class Mark:
    """`digest` covers everything that was written, but whether it is paused."""

    generation: int
    paused: bool
    digest: str

    def __str__(self) -> str:
        return f"{self.generation} {'paused' if self.paused else 'active'} {self.digest}"


def signed(description: str, mark: Mark) -> str:
    """The description with the mark as its last line."""
    return f"{description}\n\n({mark})"


def unsigned(description: str) -> tuple[str, Mark | None]:
    """The description without its last line, and the mark in that, None where there is none of ours."""
    found = _FORM.fullmatch(description)
    if not found:
        return description, None
    return found["text"], Mark(int(found["generation"]), found["state"] == "paused", found["digest"])


def digest_of(shown: dict[str, Any]) -> str:
    """Of `deployments.sync.diff.shown_by` or `shown`."""
    text = json.dumps({k: v for k, v in shown.items() if k not in _BY_STATE}, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
