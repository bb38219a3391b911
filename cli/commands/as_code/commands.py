"""`mailroom apply`, `mailroom diff`, `mailroom export` and `mailroom schema`: they talk to the REST API."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from cli.commands.as_code import showing
from cli.commands.as_code.environment import secrets_of
from cli.commands.as_code.files import Source, load
from cli.commands.as_code.sending import ORDER, Item, nameless, prune, send, too_large
from cli.output import err, out, print_json
from cli.rest_client import MailroomClient
from embedded.display import printable
from mailroom.settings import current
from prefect_mailroom.errors import MailroomError

Files = Annotated[list[Path], Parameter(name=["--file", "-f"], negative="")]
Json = Annotated[bool, Parameter(name="--json")]
_LONGEST = 600
"""Seconds for one request: 200 documents, which may wait for Prefect."""
_TOLD_EVERY = 2.0
_LONGEST_SOURCE = 500


def apply(
    *,
    file: Files,
    bundle: str = "default",
    source: str = "",
    prune: bool = False,
    prune_limit: int | None = None,
    adopt: bool = False,
    suspend_broken: bool = False,
    dry_run: bool = False,
    as_json: Json = False,
) -> None:
    """Make teams, calendars, connections, reports and schedules what documents say. The exit status is 1 if one fails.

    Parameters
    ----------
    file
        A folder of documents, or a file; can be repeated.
    bundle
        The name of what is applied together. Another bundle's objects are neither changed nor pruned.
    source
        Where the documents come from, such as repository and commit; pages show it. The default is the folder.
    prune
        Delete what was applied from this bundle before, and has no document any more.
    prune_limit
        How many may be deleted; without it, at most half of the bundle.
    adopt
        Take over what exists already, does not come from this bundle, and differs.
    suspend_broken
        Store reports that break active schedules, and suspend those schedules.
    dry_run
        Only say what would be done.
    as_json
        Print JSON.
    """
    options = {
        "bundle": bundle,
        "source": source or ", ".join(str(one) for one in file)[:_LONGEST_SOURCE],
        "prune": prune,
        "prune_limit": prune_limit,
        "adopt": adopt,
        "suspend_broken": suspend_broken,
        "dry_run": dry_run,
    }
    items = _sent(file, options, as_json=as_json)
    sys.exit(1 if _failed(items) else 0)


def diff(*, file: Files, bundle: str = "default", prune: bool = False, as_json: Json = False) -> None:
    """Show what `mailroom apply` would change. The exit status is 1 if there is anything, or a document has a fault.

    Parameters
    ----------
    file
        A folder of documents, or a file; can be repeated.
    bundle
        The bundle that they are applied as.
    prune
        Show what --prune would delete, too.
    as_json
        Print JSON.
    """
    options = {"bundle": bundle, "prune": prune, "prune_limit": None, "dry_run": True}
    items = _sent(file, options, as_json=as_json)
    sys.exit(1 if any(one.told["outcome"] != "unchanged" for one in items) else 0)


def export(folder: Path, *, bundle: str = "", kind: list[str] | None = None) -> None:
    """Write what is there as documents into a folder, without secrets. Files of the same names are written anew.

    Parameters
    ----------
    folder
        The folder; it is made where it is missing.
    bundle
        Write only what was applied from this bundle.
    kind
        Write only objects of this kind; can be repeated. By default all kinds.
    """
    from mailroom.as_code.schema import FILE
    from mailroom.as_code.spec import Kind
    from mailroom.as_code.text import path_of, schema_text, written

    count = 0
    folder.mkdir(parents=True, exist_ok=True)
    with MailroomClient(current(), timeout=_LONGEST) as client:
        (folder / FILE).write_text(schema_text(client.call("GET", "/schemas/documents")), encoding="utf-8")
        for one in kind or ORDER:
            for found in client.pages("/export", kind=one, **({"bundle": bundle} if bundle else {})):
                file = folder / path_of(Kind(found["kind"]), found["name"])
                file.parent.mkdir(exist_ok=True)
                file.write_text(written(found["document"]), encoding="utf-8")
                count += 1
    out.print(f"Wrote {count} documents to {folder}.", markup=False, highlight=False)


def schema() -> None:
    """Print the JSON Schema of documents, for editors."""
    from mailroom.as_code.schema import document_schema

    print_json(document_schema())


def _sent(files: list[Path], options: dict[str, Any], *, as_json: bool) -> list[Item]:
    """Send the documents of these files, and show what became of them, also where that breaks off."""
    sources = _sources(files, pruning=options["prune"])
    secrets, notices = secrets_of(sources, os.environ)
    for one in notices:
        _tell(f"Notice: {one}")
    items: list[Item] = []
    with MailroomClient(current(), timeout=_LONGEST) as client:
        if options["prune"]:
            prune(client, sources, options, dry_run=True)  # Whether so much may be is asked before anything is done.
        try:
            for item in send(client, sources, options, secrets, _Progress()):
                items.append(item)  # noqa: PERF402  # Where it breaks off, what came before is kept for certain.
            if options["prune"] and (failed := _failed(items)):
                _tell(f"Nothing is pruned while documents fail: {failed} did. Correct them, and apply again.")
            elif options["prune"]:
                items += prune(client, sources, options, dry_run=options["dry_run"])
        except (MailroomError, KeyboardInterrupt):
            if items:
                _show(items, as_json=as_json, dry_run=options["dry_run"])
                done = f"It broke off after {len(items):,} of {len(sources):,} documents."
                _tell(done if options["dry_run"] else f"{done} Apply again: it goes on there.")
            raise
    _show(items, as_json=as_json, dry_run=options["dry_run"])
    return items


def _failed(items: list[Item]) -> int:
    return sum(one.told["outcome"] == "failed" for one in items)


def _sources(files: list[Path], *, pruning: bool) -> list[Source]:
    """Return the documents; end the command where one cannot be read.

    Raises:
        MailroomError: there are none.
    """
    found = load(files)
    problems = [*found.problems, *too_large(found.sources), *(nameless(found.sources) if pruning else [])]
    for problem in problems:
        err.print(printable(str(problem)), style="red", markup=False, highlight=False, soft_wrap=True)
    if problems:
        # What stands in a file that cannot be read is not known, so nothing may be done by what is left.
        _tell("Nothing was sent. Correct the files first.")
        sys.exit(1)
    if not found.sources and not pruning:
        message = f"There is no document in {', '.join(map(str, files))}."
        raise MailroomError(message, remedy="Documents stand in files whose names end with .yaml or .yml.")
    return found.sources


def _tell(sentence: str) -> None:
    err.print(printable(sentence), markup=False, highlight=False, soft_wrap=True)


class _Progress:
    """Says every few seconds how far it is, so that 5,000 documents are not waited for in silence."""

    def __init__(self) -> None:
        self.told_at = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.told_at >= _TOLD_EVERY:
            self.told_at = now
            err.print(f"{done:,} of {total:,} documents", highlight=False)


def _show(items: list[Item], *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        print_json([{**one.told, "at": one.source.at("") if one.source else None} for one in items])
        return
    for line in showing.lines(items, dry_run=dry_run):
        out.print(printable(line), markup=False, highlight=False, soft_wrap=True)
    out.print(showing.summary(items, dry_run=dry_run), markup=False, highlight=False)
