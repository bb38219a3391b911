"""Sort out a list of recipients as somebody types or pastes it: which mail addresses are in it, and what is none. Pure.

Addresses stand one a line, or with commas, semicolons or tabs between them. Names beside them are understood as mail
programs and spreadsheets write them: `Sales <sales@example.org>`, `"Doe, John" <john@example.org>`,
`Doe, John <john@example.org>`, `Sales sales@example.org`. Only the addresses are kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from prefect_mailroom.text.addresses import mail_address
from prefect_mailroom.text.filenames import is_hostile

_SEPARATOR = re.compile(r"""("[^"]*"|<[^<>]*>)|([,;\t])""")
_BRACKETED = re.compile(r"(?P<name>[^<>]*)<\s*(?P<address>[^<>]*?)\s*>\s*")
_NAME = re.compile(r"""[\w"'’ .()&/-]+""")
_BLANKS = re.compile(r"\s+")
_MOST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Recognised:
    """An address of the list, and the line, counted from 1, that it stands on."""

    line: int
    address: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """A piece of the list that is no mail address, and why."""

    line: int
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Pasted:
    """A list of recipients, sorted out.

    Attributes:
        recognised: each address once, in order.
        repeated: the addresses that stand there again, or among those that were taken already.
    """

    recognised: tuple[Recognised, ...] = ()
    repeated: tuple[Recognised, ...] = ()
    wrong: tuple[Wrong, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return the addresses, each once."""
        return tuple(one.address for one in self.recognised)


def sort_out(text: str, *, taken: Collection[str] = ()) -> Pasted:
    """Return what is in a list.

    Args:
        taken: addresses that are recipients already, such as those in To while this is Cc.
    """
    seen = {_key(address) for address in taken}
    recognised: list[Recognised] = []
    repeated: list[Recognised] = []
    wrong: list[Wrong] = []
    for number, line in enumerate(text.split("\n"), 1):
        for piece in _pieces(line):
            try:
                one = Recognised(number, mail_address(piece))
            except ValueError as error:
                wrong.append(Wrong(number, piece, _why(piece, error)))
                continue
            (repeated if _key(one.address) in seen else recognised).append(one)
            seen.add(_key(one.address))
    return Pasted(tuple(recognised), tuple(repeated), tuple(wrong))


def _key(address: str) -> tuple[str, str]:
    """Return what two spellings of one address have in common, as deliveries see it."""
    local, _, domain = address.rpartition("@")
    return local, domain.lower()


def _pieces(line: str) -> Iterator[str]:
    """Yield what stands for an address on a line: the address itself where it can be told from the name beside it."""
    parts = _split(line)
    has_address = any("@" in part for part, _ in parts)
    for at, (part, ended_by) in enumerate(parts):
        following = parts[at + 1][0] if at + 1 < len(parts) else ""
        is_name = "@" not in part and _NAME.fullmatch(part) is not None
        if is_name and ended_by == "," and _BRACKETED.fullmatch(following) is not None:
            continue  # `Doe, John <john@example.org>`: the first half of a name.
        if is_name and has_address and "\t" in line:
            continue  # Another column of a table.
        yield from _addresses(part)


def _split(line: str) -> list[tuple[str, str]]:
    """Return the parts of a line, each with the separator behind it; none within quotes or brackets counts."""
    found, start = [], 0
    for match in _SEPARATOR.finditer(line):
        if match[2]:
            found.append((_bare(line[start : match.start()]), match[2]))
            start = match.end()
    found.append((_bare(line[start:]), ""))
    return [(part, ended_by) for part, ended_by in found if part]


def _addresses(part: str) -> list[str]:
    if bracketed := _BRACKETED.fullmatch(part):
        return [_plain(bracketed["address"]) or part]
    words = _BLANKS.split(part)
    with_at = [word for word in words if "@" in word]
    if len(words) > 1 and with_at and _NAME.fullmatch(" ".join(word for word in words if "@" not in word) or "-"):
        return [_plain(word) for word in with_at]
    return [_plain(part)]


def _plain(text: str) -> str:
    bare = _bare(text).strip("<>")
    return _bare(bare[7:] if bare[:7].casefold() == "mailto:" else bare)


def _bare(text: str) -> str:
    """Return a text without the blanks and invisible marks around it, such as tables and mail programs leave."""
    start, end = 0, len(text)
    while start < end and _is_blank(text[start]):
        start += 1
    while end > start and _is_blank(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_blank(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) == "Cf"


def _why(piece: str, error: ValueError) -> str:
    """Return in a few words what is wrong with a piece, quoted as far as it can be shown."""
    # A mark of direction would turn the sentence around.
    shown = "".join("\N{REPLACEMENT CHARACTER}" if is_hostile(one) else one for one in piece[:_MOST_SHOWN])
    shown += "…" if len(piece) > _MOST_SHOWN else ""
    local, at, domain = piece.rpartition("@")
    if not at:
        return f"“{shown}” has no @, so it is no mail address."
    if not domain:
        return f"“{shown}” has no domain."
    if not local:
        return f"“{shown}” has no name before the @."
    if "." not in domain and not any(character.isspace() for character in piece):
        return f"“{shown}” has no whole domain, such as example.org."
    told = str(error).partition(": ")[2]
    return f"“{shown}” is no mail address{f': {told}' if told else ''}."
