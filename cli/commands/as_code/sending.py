"""Send documents in requests of bearable size, in the order in which they refer to each other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli.commands.as_code.files import Source
from cli.rest_client import MailroomClient

ORDER = ("team", "calendar", "connection", "report", "schedule")
MOST_DOCUMENTS = 200
MOST_BYTES = 600_000
Progress = Callable[[int, int], None]
"""Told how many documents are done, of how many."""


@dataclass(frozen=True, slots=True)
class Item:
    """Tell what became of a document; `source` is None for an object that was pruned."""

    source: Source | None
    told: Mapping[str, Any]


def send(
    client: MailroomClient,
    sources: Sequence[Source],
    options: Mapping[str, Any],
    secrets: Mapping[str, Mapping[str, str]],
    progress: Progress,
) -> list[Item]:
    """Apply documents, or report what that would do; return what became of each.

    What is to be pruned comes last, and whether so much may be is asked first.

    Raises:
        ApiProblem, Unavailable.
    """
    plain = {key: value for key, value in options.items() if key not in ("prune", "prune_limit")}
    pruning = {**plain, "prune": True, "prune_limit": options["prune_limit"], "keep": names_of(sources)}
    if options["prune"]:
        client.call("POST", "/apply/preview", {**pruning, "documents": []})
    items, done = [], 0
    path = "/apply/preview" if options["dry_run"] else "/apply"
    # What is not applied yet in a dry run is referred to all the same.
    keep = {"keep": names_of(sources, schedules=False)} if options["dry_run"] else {}
    for chunk in chunks(in_order(sources)):
        documents = [one.data for one in chunk]
        given = {name: secrets[name] for one in chunk if (name := str(one.data.get("name"))) in secrets}
        answer = client.call("POST", path, {**plain, **keep, "documents": documents, "secrets": given})
        items += [Item(chunk[one["index"]], one) for one in answer["items"]]
        done += len(chunk)
        progress(done, len(sources))
    if options["prune"]:
        answer = client.call("POST", path, {**pruning, "documents": []})
        items += [Item(None, one) for one in answer["items"]]
    return items


def in_order(sources: Sequence[Source]) -> list[Source]:
    """Return documents in the order of their kinds; those of an unknown kind come first, and are refused. Pure."""
    return sorted(sources, key=lambda one: ORDER.index(kind) if (kind := one.data.get("kind")) in ORDER else -1)


def names_of(sources: Sequence[Source], *, schedules: bool = True) -> dict[str, list[str]]:
    """Return the names of documents by kind. Pure."""
    found: dict[str, list[str]] = {}
    for one in sources:
        kind, name = one.data.get("kind"), one.data.get("name")
        if kind in ORDER and isinstance(name, str) and (schedules or kind != "schedule"):
            found.setdefault(str(kind), []).append(name)
    return found


def chunks(sources: Sequence[Source]) -> Iterator[list[Source]]:
    """Yield documents in groups that one request can hold. Pure."""
    group: list[Source] = []
    size = 0
    for one in sources:
        bytes_of_it = len(json.dumps(one.data))
        if group and (len(group) == MOST_DOCUMENTS or size + bytes_of_it > MOST_BYTES):
            yield group
            group, size = [], 0
        group.append(one)
        size += bytes_of_it
    if group:
        yield group
