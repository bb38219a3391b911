"""Show the state diagrams, which GitHub draws from their text, as tables of the allowed moves. Pure.

A site that asks nothing of other hosts has no script that draws them, and a table can be read aloud and searched.
"""

from __future__ import annotations

import re

_DIAGRAM = re.compile(r"^```mermaid\nstateDiagram-v2\n(.*?)^```", re.MULTILINE | re.DOTALL)
_MOVE = re.compile(r"^\s*(\S+) --> (\S+?)(?:: (.*))?$")


def with_moves_as_tables(text: str) -> str:
    """Return a page with each of its state diagrams as a table."""
    return _DIAGRAM.sub(lambda found: _table(found[1]), text)


def _table(diagram: str) -> str:
    rows = ["| From | To | By |", "|---|---|---|"]
    for line in diagram.splitlines():
        move = _MOVE.match(line)
        if move is None:
            raise ValueError(f"This line of a state diagram is not understood: {line!r}.")
        begins, ends, why = move.groups()
        rows.append(f"| {'its beginning' if begins == '[*]' else begins} | {ends} |{f' {why}' if why else ''} |")
    return "\n".join(rows)
