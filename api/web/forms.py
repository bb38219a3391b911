"""Read forms: flat names such as `destinations-0-to` to nested data and back, and faults to the fields they are about.

In a name, `-` leads one step down, a number is a place in a list, and a name that ends in `-` is a list of all its
values, such as the ticked boxes of `formats-`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from api.web import refusals
from api.web.parts import FormFault
from mailroom.errors import Fault, Invalid

OWN = frozenset({"csrf_token", "once", "etag"})
"""The fields of every form that are no input: the token, the key of a repeat, and the version that it is based on."""
_MOST = 5_000
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, in their order."""

    pairs: tuple[tuple[str, str], ...]

    def text(self, name: str, default: str = "") -> str:
        """Return the last value of a field, without white space around it."""
        return next((value.strip() for key, value in reversed(self.pairs) if key == name), default)

    def raw(self, name: str, default: str = "") -> str:
        """Return the last value of a field as it was sent, such as a password."""
        return next((value for key, value in reversed(self.pairs) if key == name), default)

    def many(self, name: str) -> tuple[str, ...]:
        """Return all values of a field, such as of ticked boxes."""
        return tuple(value for key, value in self.pairs if key == name)

    def has(self, name: str) -> bool:
        """Tell whether a field was sent, such as a ticked box or the button that was pressed."""
        return any(key == name for key, _ in self.pairs)

    @property
    def once(self) -> str | None:
        """Return the key that a double click repeats."""
        return self.text("once") or None

    @property
    def etag(self) -> str | None:
        """Return the version that the form is based on."""
        return self.text("etag") or None

    def nested(self) -> dict[str, Any]:
        """Return the input as nested data; see `nest`."""
        return nest(pair for pair in self.pairs if pair[0] not in OWN)


async def form(request: Request) -> Form:
    """Return the form of a request, whose length the defence against other sites has limited already."""
    body = (await request.body()).decode("utf-8", "replace")
    try:
        pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=_MOST)
    except ValueError as error:
        raise Invalid.at("form", f"The form has more than {_MOST} fields.", "Send fewer.") from error
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise Invalid.at("form", "The form contains a NUL character.", "Remove it.")
    return Form(tuple((name, value.replace("\r\n", "\n")) for name, value in pairs))


FormDep = Annotated[Form, Depends(form)]


def nest(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return flat names as nested data. Of a name that is sent twice, the last value counts. Pure.

    A name that contradicts an earlier one, or goes too deep, is left out: no page of ours has one.
    """
    found: dict[str, Any] = {}
    for name, value in pairs:
        steps = name.removesuffix("-").split("-")
        if not all(steps) or len(steps) > _DEEPEST:
            continue
        _put(found, steps, value, many=name.endswith("-"))
    return {key: _lists(value) for key, value in found.items()}


def _put(into: dict[str, Any], steps: Sequence[str], value: str, *, many: bool) -> None:
    place = into
    for step in steps[:-1]:
        deeper = place.setdefault(step, {})
        if not isinstance(deeper, dict):
            return
        place = deeper
    last = steps[-1]
    if many:
        values = place.setdefault(last, [])
        if isinstance(values, list):
            values.append(value)
    elif not isinstance(place.get(last), dict | list):
        place[last] = value


def _lists(value: Any) -> Any:
    """Return what has only numbers as names as a list, in the order of the numbers."""
    if not isinstance(value, dict):
        return value
    inner = {key: _lists(part) for key, part in value.items()}
    if inner and all(key.isascii() and key.isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def flat(place: str) -> str:
    """Return the name of the field at a dotted place, such as `destinations-0-to` for `destinations.0.to`. Pure."""
    return place.replace(".", "-")


def by_field(faults: Iterable[Fault]) -> dict[str, tuple[str, ...]]:
    """Return faults by the names of their fields, each as a sentence that says what is wrong and what to do. Pure."""
    found: dict[str, list[str]] = {}
    for fault in faults:
        found.setdefault(flat(fault.field), []).append(sentence(fault))
    return {name: tuple(words) for name, words in found.items()}


def sentence(fault: Fault) -> str:
    """Return a fault as its reader sees it. Pure."""
    return refusals.of_fault(fault).sentence


def summary(faults: Iterable[Fault], names: Iterable[str]) -> tuple[FormFault, ...]:
    """Return the lines of the summary on top of the page.

    Args:
        names: the fields of the page. A fault inside of one, such as of the third address, leads to that field.
    """
    known = set(names)
    return tuple(FormFault(_target(flat(fault.field), known), sentence(fault)) for fault in faults)


def _target(name: str, known: set[str]) -> str:
    while name and name not in known and f"{name}-" not in known:
        name = name.rpartition("-")[0]
    return name if name in known or not name else f"{name}-"


def flatten(data: Mapping[str, Any], prefix: str = "") -> dict[str, str | tuple[str, ...]]:
    """Return nested data as flat names, the other way of `nest`. Pure."""
    found: dict[str, str | tuple[str, ...]] = {}
    for key, value in data.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found |= flatten(value, f"{name}-")
        elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
            for number, one in enumerate(value):
                found |= flatten(one, f"{name}-{number}-")
        elif isinstance(value, list):
            found[f"{name}-"] = tuple(str(one) for one in value)
        elif value is not None:
            found[name] = str(value)
    return found
