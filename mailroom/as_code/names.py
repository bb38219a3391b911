"""Give a name in the code to each schedule that has none yet. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

MOST_LETTERS = 90
_LETTERS = {"ß": "ss", "ä": "ae", "ö": "oe", "ü": "ue", "æ": "ae", "ø": "oe", "å": "aa", "œ": "oe"}


def slug(title: str) -> str:
    """Return a title in small letters, digits and single hyphens; `schedule` where nothing of it is left."""
    plain = "".join(_LETTERS.get(letter, letter) for letter in title.lower())
    ascii_only = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")[:MOST_LETTERS].strip("-") or "schedule"


def named(titles: Iterable[tuple[str, str]], taken: Mapping[str, str]) -> dict[str, str]:
    """Return a name for each id.

    Args:
        titles: ids with titles, the oldest first; of those with the same title, the oldest gets the name without a
            number.
        taken: ids that have a name already, with it; these names are given to no other. Where two bundles have the
            same name, the oldest keeps it.
    """
    titles = list(titles)
    found: dict[str, str] = {}
    used: set[str] = set()
    for key in [*(key for key, _ in titles), *taken]:
        if key in taken and key not in found and taken[key] not in used:
            found[key] = taken[key]
            used.add(taken[key])
    following: dict[str, int] = {}
    for key, title in titles:
        if key in found:
            continue
        base = name = slug(title)
        while name in used:
            following[base] = following.get(base, 1) + 1
            name = f"{base}-{following[base]}"
        used.add(name)
        found[key] = name
    return found
