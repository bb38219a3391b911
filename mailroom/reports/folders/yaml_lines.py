"""YAML with the line of everything in it, strict: no repeated keys, no anchors, no tags, no surprising types.

Only what JSON knows is read as more than text: `yes`, `on`, `2013-07-01` and `09:30` stay texts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]
MAX_DEPTH = 40
_MOST_DIGITS = 19
_PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class YamlProblem(Exception):
    """The text is not YAML that we read. `line` and `column` count from 1."""

    def __init__(self, line: int, message: str, remedy: str, column: int = 1) -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.message = message
        self.remedy = remedy


@dataclass(slots=True)
class Document:
    """The data of a YAML text, and from which line each part of it came."""

    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    columns: dict[Path, int] = field(default_factory=dict)
    block_texts: set[Path] = field(default_factory=set)

    def line(self, path: Path) -> int:
        """Return the line of a path, or the nearest one: parts that the data does not have are passed over."""
        known: Path = ()
        for part in path:
            if (*known, part) in self.lines:
                known = (*known, part)
        return self.lines.get(known, 1)

    def column(self, path: Path) -> int:
        """Return the column of a path, or the nearest one, as `line` does."""
        known: Path = ()
        for part in path:
            if (*known, part) in self.columns:
                known = (*known, part)
        return self.columns.get(known, 1)

    def text_line(self, path: Path, line: int) -> int:
        """Return the line of the `line`-th line of a text; a block text (`|`) begins below its key."""
        return self.line(path) + line - (0 if path in self.block_texts else 1)


class _Loader(yaml.SafeLoader):
    """Resolves plain scalars as JSON does."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's own shape


class _FastLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C library's, if there
    """Does the same, ten times as fast."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # as above


RESOLVERS = tuple(
    (tag, re.compile(rf"^(?:{pattern})$"), first)
    for tag, pattern, first in (
        ("null", r"null|~|", ["n", "~", ""]),
        ("bool", r"true|false", ["t", "f"]),
        ("int", r"-?(?:0|[1-9][0-9]*)", list("-0123456789")),
        ("float", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", list("-0123456789")),
    )
)
"""What plain words are besides text: the tag, the pattern, and the letters that begin such a word."""
for _tag, _pattern, _first in RESOLVERS:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, _first)
    _FastLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, _first)


def read(text: str) -> Document:
    """Read one YAML document.

    Raises:
        YamlProblem: a syntax error, a repeated key, an anchor, a tag, or a key that is not text.
    """
    document = Document()
    with _explained(text):
        node = yaml.compose(text, Loader=_Loader)
        if node is not None:
            document.data = _Walk(document).value(node, ())
    return document


def read_all(text: str) -> list[Document]:
    """Read every YAML document of a text; those without content are left out.

    Raises:
        YamlProblem: see `read`.
    """
    found = []
    with _explained(text):
        _refuse_depth(text)
        for node in yaml.compose_all(text, Loader=_FastLoader):
            # The two loaders tell the style of a missing scalar differently; a quoted empty text is a text to both.
            if not (isinstance(node, yaml.ScalarNode) and node.value == "" and not node.style):
                found.append(Document())
                found[-1].data = _Walk(found[-1]).value(node, ())
    return found


def _refuse_depth(text: str) -> None:
    """Refuse what is nested too deeply, before the C library follows it: it knows no bottom."""
    depth = 0
    for event in yaml.parse(text, Loader=_FastLoader):
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise YamlProblem(line, "The file is nested too deeply.", "Use fewer levels.")
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            depth -= 1


@contextmanager
def _explained(text: str) -> Iterator[None]:
    """Say what PyYAML found in our words, with the place."""
    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = f"This is not YAML: {error.problem or error.context}."
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise YamlProblem(line, message, _remedy(text, line), column) from error
    except yaml.YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise YamlProblem(line, "This is not YAML: it contains a forbidden character.", "Remove it.") from error
    except RecursionError as error:
        raise YamlProblem(1, "The file is nested too deeply.", "Use fewer levels.") from error


def _tagged(node: yaml.Node) -> YamlProblem:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    return YamlProblem(line, f"The tag {node.tag[:60]} is not supported.", "Write plain values without '!'.", column)


def _number(node: yaml.Node, *, whole: bool) -> int | float:
    # More than JSON and other programs carry over without loss.
    if whole and len(node.value) <= _MOST_DIGITS:
        return int(node.value)
    if not whole and math.isfinite(found := float(node.value)):
        return found
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    raise YamlProblem(line, "This number is too large.", "Put it into quotes if it is a text.", column)


def _remedy(text: str, line: int) -> str:
    begins = re.match(r"\s*", "".join(text.splitlines()[line - 1 : line]))
    if begins and "\t" in begins.group():
        return "Indent with spaces: YAML takes no tabs there."
    return "Check indentation, colons and quotes."


class _Walk:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.seen: set[int] = set()

    def value(self, node: yaml.Node, path: Path) -> Any:
        line = node.start_mark.line + 1
        self.document.lines.setdefault(path, line)
        self.document.columns.setdefault(path, node.start_mark.column + 1)
        if id(node) in self.seen:
            raise YamlProblem(line, "Anchors and aliases (& and *) are not supported.", "Write that part out again.")
        if len(path) > MAX_DEPTH:
            raise YamlProblem(line, "The file is nested too deeply.", "Use fewer levels.")
        self.seen.add(id(node))
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _PLAIN_TAGS:
            raise _tagged(node)
        match node:
            case yaml.MappingNode():
                return self._mapping(node, path)
            case yaml.SequenceNode():
                return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise YamlProblem(line, "A key is not text.", "Write 'name: value'.")
            key = key_node.value
            if key in found:
                first = self.document.lines[(*path, key)]
                raise YamlProblem(
                    line, f"The key '{key}' is used twice.", (f"Remove one of them. The first is in line {first}.")
                )
            self.document.lines[(*path, key)] = line
            self.document.columns[(*path, key)] = key_node.start_mark.column + 1
            found[key] = self.value(value_node, (*path, key))
        return found

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        match node.tag.removeprefix("tag:yaml.org,2002:"):
            case "str":
                if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
                    self.document.block_texts.add(path)
                return node.value
            case "null":
                return None
            case "bool":
                return node.value == "true"
            case "int" | "float" as kind:
                return _number(node, whole=kind == "int")
        raise _tagged(node)
