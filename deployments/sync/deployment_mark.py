"""The mark in the last line of a deployment's description: the generation that wrote it, paused or not, and a digest.

The mark arrives in the same request as everything else. So a deployment tells by itself whether somebody changed it
after us, whatever our own tables say: a crash between our write and Prefect's is never mistaken for a change by a
person. The mark is not in the deployment's version: to a worker, another version means other code and other processes.
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
"""Fields that people switch in Prefect's interface; they are judged separately."""


@dataclass(frozen=True, slots=True)
class DeploymentMark:
    """The content of the mark; `digest` covers everything that was written except whether it is paused."""

    generation: int
    paused: bool
    digest: str

    def __str__(self) -> str:
        return f"{self.generation} {'paused' if self.paused else 'active'} {self.digest}"


def signed(description: str, mark: DeploymentMark) -> str:
    """Return the description with the mark as its last line."""
    return f"{description}\n\n({mark})"


def unsigned(description: str) -> tuple[str, DeploymentMark | None]:
    """Return the description without its last line, and the mark in that line, or None where there is none of ours."""
    found = _FORM.fullmatch(description)
    if not found:
        return description, None
    return found["text"], DeploymentMark(int(found["generation"]), found["state"] == "paused", found["digest"])


def digest_of(shown: dict[str, Any]) -> str:
    """Return the digest of what `deployments.sync.diff.shown_by` or `shown` gave."""
    text = json.dumps({k: v for k, v in shown.items() if k not in _BY_STATE}, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
