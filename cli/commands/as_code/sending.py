"""Send documents in requests of bearable size, in the order in which they refer to each other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli.commands.as_code.files import Problem, Source
from cli.rest_client import MailroomClient

ORDER = ("team", "calendar", "connection", "report", "schedule")
MOST_DOCUMENTS = 200
MOST_BYTES = 600_000
MOST_BYTES_OF_ONE = 900_000
"""A request may have 1,000,000 bytes, and there is more in it than the document."""
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
) -> Iterator[Item]:
    """Apply documents, or report what that would do; yield what became of each as soon as it is known.

    Raises:
        ApiProblem, Unavailable: what was yielded before is done.
    """
    done = 0
    # What is not applied yet in a dry run is referred to all the same.
    keep = {"keep": names_of(sources, schedules=False)} if options["dry_run"] else {}
    for chunk in chunks(in_order(sources)):
        documents = [one.data for one in chunk]
        given = {name: secrets[name] for one in chunk if (name := str(one.data.get("name"))) in secrets}
        body = {**_plain(options), **keep, "documents": documents, "secrets": given}
        answer = client.call("POST", _path(dry_run=options["dry_run"]), body)
        yield from (Item(chunk[one["index"]], one) for one in answer["items"])
        done += len(chunk)
        progress(done, len(sources))


def prune(
    client: MailroomClient, sources: Sequence[Source], options: Mapping[str, Any], *, dry_run: bool
) -> list[Item]:
    """Delete what has no document any more, or report what that would do.

    Raises:
        ApiProblem: more would be deleted than may be.
        Unavailable.
    """
    limit = {"prune": True, "prune_limit": options["prune_limit"]}
    body = {**_plain(options), **limit, "keep": names_of(sources), "documents": []}
    answer = client.call("POST", _path(dry_run=dry_run), body)
    return [Item(None, one) for one in answer["items"]]


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key not in ("prune", "prune_limit")}


def _path(*, dry_run: bool) -> str:
    return "/apply/preview" if dry_run else "/apply"


def too_large(sources: Sequence[Source]) -> list[Problem]:
    """Return a fault for each document that is larger than a request may be. Pure."""
    return [
        Problem(one.at(""), f"{one.label} has more than {MOST_BYTES_OF_ONE:,} bytes.", "Make it smaller.")
        for one in sources
        if _size(one) > MOST_BYTES_OF_ONE
    ]


def nameless(sources: Sequence[Source]) -> list[Problem]:
    """Return a fault for each document whose object is not known: it might be one that would be pruned. Pure."""
    message, remedy = "Nothing is pruned while it is not known which object this document is.", "Correct kind and name."
    return [
        Problem(one.at("kind" if one.data.get("kind") not in ORDER else "name"), message, remedy)
        for one in sources
        if one.data.get("kind") not in ORDER or not isinstance(one.data.get("name"), str)
    ]


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
        bytes_of_it = _size(one)
        if group and (len(group) == MOST_DOCUMENTS or size + bytes_of_it > MOST_BYTES):
            yield group
            group, size = [], 0
        group.append(one)
        size += bytes_of_it
    if group:
        yield group


def _size(source: Source) -> int:
    return len(json.dumps(source.data, ensure_ascii=False).encode(errors="replace"))
