"""YAML with the line of everything in it, strict: no repeated keys, no anchors, no tags, no surprising types.

Only what JSON knows is read as more than text: `yes`, `on`, `2013-07-01` and `09:30` stay texts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]
MAX_DEPTH = 40


class YamlProblem(Exception):
    """The text is not YAML that we read. `line` counts from 1."""

    def __init__(self, line: int, message: str, remedy: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message
        self.remedy = remedy


@dataclass(slots=True)
class Document:
    """The data of a YAML text, and from which line each part of it came."""

    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    block_texts: set[Path] = field(default_factory=set)

    def line(self, path: Path) -> int:
        """Return the line of a path, or the nearest one: parts that the data does not have are passed over."""
        known: Path = ()
        for part in path:
            if (*known, part) in self.lines:
                known = (*known, part)
        return self.lines.get(known, 1)

    def text_line(self, path: Path, line: int) -> int:
        """Return the line of the `line`-th line of a text; a block text (`|`) begins below its key."""
        return self.line(path) + line - (0 if path in self.block_texts else 1)


class _Loader(yaml.SafeLoader):
    """Resolves plain scalars as JSON does."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's own shape


for tag, pattern, first in (
    ("null", r"null|~|", ["n", "~", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"-?(?:0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", list("-0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})$"), first)


def read(text: str) -> Document:
    """Read one YAML document.

    Raises:
        YamlProblem: a syntax error, a repeated key, an anchor, a tag, or a key that is not text.
    """
    document = Document()
    try:
        node = yaml.compose(text, Loader=_Loader)
        if node is not None:
            document.data = _Walk(document).value(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = f"This is not YAML: {error.problem or error.context}."
        raise YamlProblem(mark.line + 1 if mark else 1, message, "Check indentation, colons and quotes.") from error
    except yaml.YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise YamlProblem(line, "This is not YAML: it contains a forbidden character.", "Remove it.") from error
    except RecursionError as error:
        raise YamlProblem(1, "The file is nested too deeply.", "Use fewer levels.") from error
    return document


class _Walk:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.seen: set[int] = set()

    def value(self, node: yaml.Node, path: Path) -> Any:
        line = node.start_mark.line + 1
        self.document.lines.setdefault(path, line)
        if id(node) in self.seen:
            raise YamlProblem(line, "Anchors and aliases (& and *) are not supported.", "Write that part out again.")
        if len(path) > MAX_DEPTH:
            raise YamlProblem(line, "The file is nested too deeply.", "Use fewer levels.")
        self.seen.add(id(node))
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
            case "int":
                return int(node.value)
            case "float":
                return float(node.value)
        line = node.start_mark.line + 1
        raise YamlProblem(line, f"The tag {node.tag[:60]} is not supported.", "Write plain values without '!'.")
