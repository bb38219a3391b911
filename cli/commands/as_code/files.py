"""Find the documents below a folder, and read them with the place of everything in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailroom.reports.folders.folder import FILE as REPORT_FILE
from mailroom.reports.folders.folder import ReportFolderError, load_folder
from mailroom.reports.folders.yaml_lines import Document, YamlProblem, read_all
from prefect_mailroom.errors import MailroomError

VERSION = "mailroom/v1"
_ENDINGS = {".yaml", ".yml"}
_MOST_BYTES = 10_000_000
"""The most bytes of a file, which is read whole: some 20,000 schedules."""
_MOST_BYTES_OF_TEXT = 1_000_000


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where, what is wrong, and what to do."""

    place: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.message} {self.remedy}".strip()


@dataclass(frozen=True, slots=True)
class Source:
    """One document and where it stands; `places` is None for a report folder, whose parts are in several files."""

    file: Path
    data: dict[str, Any]
    places: Document | None = None

    def at(self, place: str) -> str:
        """Return file, line and column of a dotted place within the document."""
        if self.places is None:
            return str(self.file)
        path = tuple(int(part) if part.isdecimal() else part for part in place.split(".") if part)
        return f"{self.file}:{self.places.line(path)}:{self.places.column(path)}"

    @property
    def label(self) -> str:
        """Return what the document is, as far as it says so."""
        return f"{self.data.get('kind', '?')}/{self.data.get('name', '?')}"


@dataclass(slots=True)
class Bundle:
    """The documents of a folder, with the faults that keep files from being read."""

    sources: list[Source] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def load(roots: Iterable[Path]) -> Bundle:
    """Read every document below these folders and in these files.

    Files are read in the order of their names. A folder with a `report.yaml` is a report with its queries beside it.

    Raises:
        MailroomError: there is no such file or folder.
    """
    bundle = Bundle()
    for root in roots:
        if not root.exists():
            message = f"There is no file or folder {root}."
            raise MailroomError(message, remedy="Give the folder of the documents with --file (-f).")
        for path in _files(root, bundle):
            if path.is_dir():
                _read_report(path, bundle)
            else:
                _read_file(path, bundle)
    _refuse_repeated(bundle)
    return bundle


def _files(root: Path, bundle: Bundle, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Yield the files with documents, and the folders of reports.

    Args:
        above: the folders that the root is in, without symbolic links.
    """
    if not root.is_dir() or (root / REPORT_FILE).is_file():
        yield root
        return
    real = root.resolve()
    if real in above:
        message = "This symbolic link leads back to a folder that it is in."
        bundle.problems.append(Problem(str(root), message, "Remove the link."))
        return
    try:
        found = sorted(root.iterdir())
    except OSError as error:
        message = f"This folder cannot be read: {error.strerror}."
        bundle.problems.append(Problem(str(root), message, "Check its rights."))
        return
    for path in found:
        if path.name.startswith((".", "__")):
            continue
        if path.is_dir():
            yield from _files(path, bundle, above | {real})
        elif path.suffix in _ENDINGS:
            yield path


def _refuse_repeated(bundle: Bundle) -> None:
    """Refuse two documents of one object: the last one would win, each time anew."""
    first: dict[str, Source] = {}
    for one in bundle.sources:
        if isinstance(one.data.get("kind"), str) and isinstance(one.data.get("name"), str):
            before = first.setdefault(one.label, one)
            if before is not one:
                message = f"{one.label} stands in {before.at('name')} already."
                bundle.problems.append(Problem(one.at("name"), message, "Choose another name, or remove one of them."))


def _read_report(folder: Path, bundle: Bundle) -> None:
    try:
        definition, _ = load_folder(folder)
    except ReportFolderError as error:
        bundle.problems += [Problem(f"{one.file}:{one.line}", one.message, one.remedy) for one in error.problems]
        return
    spec = definition.model_dump(mode="json", exclude_defaults=True, exclude={"id"})
    data = {"apiVersion": VERSION, "kind": "report", "name": definition.id, "spec": spec}
    bundle.sources.append(Source(folder / REPORT_FILE, data))


def _read_file(path: Path, bundle: Bundle) -> None:
    text = _text(path, _MOST_BYTES, path, bundle)
    if text is None:
        return
    try:
        documents = read_all(text)
    except YamlProblem as error:
        bundle.problems.append(Problem(f"{path}:{error.line}:{error.column}", str(error), error.remedy))
        return
    for one in documents:
        source = Source(path, one.data if isinstance(one.data, dict) else {}, one)
        if not isinstance(one.data, dict):
            remedy = f"Begin it with 'apiVersion: {VERSION}', 'kind: …' and 'name: …'."
            bundle.problems.append(Problem(source.at(""), "This document is not a mapping.", remedy))
            continue
        bundle.sources.append(Source(path, _with_files(source, bundle), one))


def _with_files(source: Source, bundle: Bundle) -> dict[str, Any]:
    """Return a document with the texts of the files that its queries and its template are in."""
    data = source.data
    spec = data.get("spec")
    if data.get("kind") != "report" or not isinstance(spec, dict):
        return data
    changed = dict(spec)
    of = spec.get("source")
    if isinstance(of, dict) and isinstance(of.get("queries"), dict):
        queries = {
            name: _from_file(source, query, f"spec.source.queries.{name}", bundle)
            for name, query in of["queries"].items()
        }
        changed["source"] = {**of, "queries": queries}
    if "template" in spec:
        changed["template"] = _from_file(source, spec["template"], "spec.template", bundle)
    return {**data, "spec": changed}


def _from_file(source: Source, value: Any, place: str, bundle: Bundle) -> Any:
    if not (isinstance(value, Mapping) and set(value) == {"file"} and isinstance(value["file"], str)):
        return value
    folder = source.file.parent
    file = folder / value["file"]
    if not file.resolve().is_relative_to(folder.resolve()):
        message = f"'{value['file'][:80]}' is outside the folder of this document."
        bundle.problems.append(Problem(source.at(place), message, "Put the file beside the document, or below it."))
        return ""
    text = _text(file, _MOST_BYTES_OF_TEXT, source.at(place), bundle)
    return "" if text is None else text


def _text(file: Path, most: int, place: object, bundle: Bundle) -> str | None:
    """Return the text of a file; None with a fault at `place` where it cannot be read."""
    try:
        if not file.is_file() and file.exists():
            bundle.problems.append(Problem(str(place), f"{file.name} is no regular file.", "Put a file in its place."))
            return None
        if file.stat().st_size > most:
            bundle.problems.append(Problem(str(place), f"{file.name} is larger than {most:,} bytes.", "Split it."))
            return None
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        # The bytes before the first wrong one are UTF-8, so their lines can be counted.
        line = error.object[: error.start].count(b"\n") + 1
        at = f"{file}:{line}" if place is file else str(place)
        message = f"{file.name} is not UTF-8: the byte 0x{error.object[error.start]:02x} in line {line} is none of its."
        bundle.problems.append(Problem(at, message, "Save the file as UTF-8."))
    except OSError as error:
        message = f"{file.name} cannot be read: {error.strerror}."
        bundle.problems.append(Problem(str(place), message, "Check its name and its rights."))
    return None
