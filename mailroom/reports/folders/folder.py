"""Report folders: `report.yaml`, its `*.sql` files and, where wanted, `template.html.j2`, read into a definition.

The folder's name is the report's id. Every fault carries its file, its line and what to do; all faults of a folder
are reported at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mailroom.reports import checks
from mailroom.reports.folders.words import explain
from mailroom.reports.folders.yaml_lines import Document, YamlProblem, read
from mailroom.reports.spec import ReportDefinition
from prefect_mailroom.errors import ConfigurationError

FILE = "report.yaml"
TEMPLATE = "template.html.j2"
MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class FolderProblem:
    """One fault of a folder. `line` counts from 1."""

    file: Path
    line: int
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message} {self.remedy}".strip()


class ReportFolderError(ConfigurationError):
    """A report folder cannot be used; `problems` has every fault, `file` and `line` are those of the first."""

    def __init__(self, problems: list[FolderProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems), field=problems[0].file.parent.name)
        self.problems = problems
        self.file = problems[0].file
        self.line = problems[0].line


@dataclass(frozen=True, slots=True)
class Catalog:
    """The reports below a folder, by id, with what is wrong with the others and what the authors should know.

    `kept` names those that were read, and not stored since schedules in use would break.
    """

    reports: dict[str, ReportDefinition] = field(default_factory=dict)
    errors: list[ReportFolderError] = field(default_factory=list)
    warnings: list[FolderProblem] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def load_catalog(root: Path) -> Catalog:
    """Read every report folder directly below `root`; one that is wrong does not keep the others out.

    Raises:
        ConfigurationError: `root` is not a folder.
    """
    if not root.is_dir():
        raise ConfigurationError(
            f"There is no folder {root}.", remedy=("Give the folder that contains the report folders.")
        )
    catalog = Catalog()
    for path in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))):
        try:
            definition, warnings = load_folder(path)
        except ReportFolderError as error:
            catalog.errors.append(error)
        else:
            catalog.reports[definition.id] = definition
            catalog.warnings.extend(warnings)
    return catalog


def load_folder(path: Path) -> tuple[ReportDefinition, list[FolderProblem]]:
    """Read one report folder; returns the report, and what its author should be warned of.

    Raises:
        ReportFolderError: with every fault of the folder.
    """
    folder = _Folder(path)
    definition = folder.definition()
    faults: list[FolderProblem] = []
    warnings: list[FolderProblem] = []
    for fault in checks.check_definition(definition):
        file, line = folder.place(fault.at, fault.line)
        (faults if fault.severity == "error" else warnings).append(
            FolderProblem(file, line, fault.message, fault.remedy)
        )
    if faults:
        raise ReportFolderError(sorted(faults, key=lambda problem: (problem.file.name != FILE, problem.line)))
    return definition, warnings


class _Folder:
    """A folder while it is read: remembers from where each text of the definition came."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.main = path / FILE
        self.problems: list[FolderProblem] = []
        self.files: dict[tuple[str | int, ...], Path] = {}
        try:
            self.document: Document = read(self._text(self.main))
        except YamlProblem as error:
            raise ReportFolderError([self._problem(error.line, error.message, error.remedy)]) from error
        except _Unreadable as error:
            remedy = f"A report folder must contain a file {FILE}."
            raise ReportFolderError([self._problem(1, str(error), remedy)]) from error

    def definition(self) -> ReportDefinition:
        data = self.document.data
        if not isinstance(data, dict):
            problem = self._problem(
                1, "The file does not contain a mapping.", ("Begin the file with 'title: …' and 'source: …'.")
            )
            raise ReportFolderError([problem])
        for key, remedy in {
            "id": f"Remove it: the folder's name is the id ('{self.path.name}').",
            "template": f"Remove it: put the template into {TEMPLATE} beside this file.",
        }.items():
            if key in data:
                self.problems.append(
                    self._problem(self.document.line((key,)), f"'{key}' does not belong in this file.", remedy)
                )
        data = {**data, "id": self.path.resolve().name}
        data.pop("template", None)
        self._read_queries(data)
        if (self.path / TEMPLATE).exists():
            data["template"] = self._file(TEMPLATE, ("template",), 1)
        definition: ReportDefinition | None = None
        try:
            definition = ReportDefinition.model_validate(data)
        except ValidationError as error:
            self.problems += self._explained(error)
        if self.problems or definition is None:
            raise ReportFolderError(sorted(self.problems, key=lambda problem: problem.line))
        return definition

    def place(self, at: tuple[str | int, ...], line: int) -> tuple[Path, int]:
        """Return the file and line of a path in the definition, `line` lines into its text."""
        if at in self.files:
            return self.files[at], line
        return self.main, self.document.text_line(at, line)

    def _read_queries(self, data: dict[str, Any]) -> None:
        source = data.get("source")
        queries = source.get("queries") if isinstance(source, dict) else None
        if not isinstance(queries, dict):
            return
        read_in: dict[str, Any] = {}
        for name, query in queries.items():
            at = ("source", "queries", name)
            if isinstance(query, dict) and set(query) == {"file"} and isinstance(query["file"], str):
                read_in[name] = self._file(query["file"], at, self.document.line((*at, "file")))
            elif isinstance(query, dict):
                message = f"The query '{name}' is neither SQL text nor a file."
                self.problems.append(
                    self._problem(self.document.line(at), message, ("Write {file: name.sql} or the SQL text."))
                )
                read_in[name] = ""
            else:
                read_in[name] = query
        data["source"] = {**source, "queries": read_in}  # type: ignore[dict-item]  # a dict, as `queries` shows

    def _file(self, name: str, at: tuple[str | int, ...], line: int) -> str:
        file = self.path / name
        inside = not Path(name).is_absolute() and ".." not in Path(name).parts
        if not inside or "\0" in name or not file.resolve().is_relative_to(self.path.resolve()):
            remedy = "Put the file into the report's folder and write its name."
            self.problems.append(self._problem(line, f"'{name[:80]}' is outside the report's folder.", remedy))
            return ""
        try:
            text = self._text(file)
        except _Unreadable as error:
            self.problems.append(self._problem(line, str(error), "Put the file into the report's folder."))
            return ""
        self.files[at] = file
        return text

    def _text(self, file: Path) -> str:
        if file.is_symlink():
            raise _Unreadable(f"{file.name} is a symbolic link, which is not followed.")
        if not file.is_file():
            raise _Unreadable(f"There is no file {file.name}.")
        if (size := file.stat().st_size) > MAX_BYTES:
            raise _Unreadable(f"{file.name} has {size:,} bytes; at most {MAX_BYTES:,} are read.")
        try:
            return file.read_text(encoding="utf-8-sig")
        except (UnicodeDecodeError, OSError) as error:
            raise _Unreadable(f"{file.name} cannot be read as UTF-8 text ({type(error).__name__}).") from error

    def _explained(self, error: ValidationError) -> Iterator[FolderProblem]:
        for fault in error.errors(include_url=False):
            said = explain(fault)
            yield self._problem(self.document.line(said.at), said.message, said.remedy)

    def _problem(self, line: int, message: str, remedy: str) -> FolderProblem:
        return FolderProblem(self.main, line, message, remedy)


class _Unreadable(Exception):
    """A file of the folder cannot be read; the message says why."""
