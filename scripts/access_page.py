"""Write docs/access.md with the permission table: `make docs`. A test compares the two."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from mailroom.access.permissions import GRANTABLE, TABLE, Action, Relation, Relations, Rule
from mailroom.roles import WIDEST, Role

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/access.md"
WORDS = ROOT / "scripts/access_page.md"
"""The page without its tables."""
_THINGS = frozenset(Relation) - {Relation.NONE}
_SHOWN = (Relation.OWN, Relation.SHARED, Relation.SAME_TEAM, Relation.OTHER_TEAM)


def page() -> str:
    """Return the whole page."""
    text = WORDS.read_text()
    for name, table in (("permissions", _permissions()), ("scopes", _scopes())):
        text = text.replace(f"{{{name}}}", table)
    return text


def _permissions() -> str:
    parts = []
    for noun, actions in groupby(TABLE, key=lambda action: action.partition(".")[0]):
        rows = [_row(action, TABLE[action]) for action in actions]
        parts.append("\n".join([f"**{noun}**", "", _line("permission", "scope", *Role), _line(*["---"] * 5), *rows]))
    return "\n\n".join(parts)


def _row(action: Action, rule: Rule) -> str:
    cells = [_words(rule.relations(role)) for role in Role]
    if action in GRANTABLE:
        cells = [cell if cell != "–" else "if granted" for cell in cells]
        cells[0] = "–"
    return _line(f"`{action}`", str(rule.scope), *cells)


def _words(relations: Relations) -> str:
    if not relations:
        return "–"
    if relations == {Relation.NONE}:
        return "yes"
    if relations == _THINGS:
        return "all"
    return ", ".join(str(one).replace("_", " ") for one in _SHOWN if one in relations)


def _scopes() -> str:
    rows = [_line(str(role), str(scope)) for role, scope in WIDEST.items()]
    return "\n".join([_line("role", "widest scope of a key"), _line("---", "---"), *rows])


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page())
