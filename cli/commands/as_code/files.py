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
_MOST_BYTES = 20_000_000
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
        for path in _files(root):
            if path.is_dir():
                _read_report(path, bundle)
            else:
                _read_file(path, bundle)
    return bundle


def _files(root: Path) -> Iterator[Path]:
    """Yield the files with documents, and the folders of reports."""
    if root.is_file():
        yield root
        return
    if (root / REPORT_FILE).is_file():
        yield root
        return
    for path in sorted(root.iterdir()):
        if path.name.startswith((".", "__")):
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.suffix in _ENDINGS:
            yield path


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
        if file.stat().st_size > most:
            bundle.problems.append(Problem(str(place), f"{file.name} is larger than {most:,} bytes.", "Split it."))
            return None
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        bundle.problems.append(Problem(str(place), f"{file.name} is not UTF-8.", "Save it as UTF-8."))
    except OSError as error:
        message = f"{file.name} cannot be read: {error.strerror}."
        bundle.problems.append(Problem(str(place), message, "Check its name and its rights."))
    return None
