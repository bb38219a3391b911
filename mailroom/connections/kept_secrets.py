"""Decide whether stored secrets stay when the settings of a connection are sent again. Pure.

Whoever sends `{"secret": true}` in the place of a secret, as it is shown, asks to keep the stored one. It is kept as
long as nothing has changed that may decide where it is sent, or who can read it on the way: a secret must not be led to
another host by somebody who does not know it. A kind names in `harmless_fields` the settings that decide nothing of
that sort; every other one asks for the secrets again when it changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from prefect.blocks.core import Block
from pydantic import Secret, SecretBytes, SecretStr, ValidationError

from mailroom.errors import Fault, Invalid
from prefect_mailroom.errors import ConfigurationError

Place = tuple[str | int, ...]
_SHOWN = {"secret": True}
_SEND = "Send the secret again."


def markers(settings: Any, place: Place = ()) -> list[Place]:
    """Return the places in settings where a stored secret is asked to stay."""
    if settings == _SHOWN and isinstance(settings, dict):
        return [place]
    items: list[tuple[str | int, Any]] = []
    if isinstance(settings, Mapping):
        items = list(settings.items())
    elif isinstance(settings, list):
        items = list(enumerate(settings))
    return [found for key, value in items for found in markers(value, (*place, key))]


def nothing_to_keep(places: list[Place]) -> Invalid:
    """Return the refusal of markers where no secret is stored."""
    message = "No secret is stored here that could be kept."
    return Invalid([Fault(field_of(place), message, "Send the secret, or leave the setting out.") for place in places])


def read(block_class: type[Block], stored: Mapping[str, Any]) -> Block | None:
    """Return the block of stored settings, None where they no longer fit the kind."""
    try:
        return block_class.model_validate(dict(stored))
    except (ValidationError, ConfigurationError):
        return None


def filled(settings: Mapping[str, Any], old: Block | None) -> dict[str, Any]:
    """Return the settings with the stored secrets in the places of their markers.

    Args:
        old: the block as it is stored; None where there is none, or none that can be read.

    Raises:
        Invalid: there is nothing to keep in one of the places.
    """
    dump = _dump(old) if old is not None else {}
    found = {place: _secret_at(dump, place) for place in markers(settings)}
    if missing := [place for place, value in found.items() if value is None]:
        raise nothing_to_keep(missing)
    copied = deepcopy(dict(settings))
    for place, value in found.items():
        inner: Any = copied
        for part in place[:-1]:
            inner = inner[part]
        inner[place[-1]] = value
    return copied


def refuse_moved(settings: Mapping[str, Any], old: Block | None, new: Block) -> None:
    """Refuse to keep stored secrets where a setting has changed that may decide where they are sent.

    Args:
        settings: as they were sent, with markers.
        new: the block of them, with the stored secrets filled in.

    Raises:
        Invalid: at each secret that has to be sent again.
    """
    places = markers(settings)
    if not places or old is None:
        return
    moved = [name for name in sorted(_changed(_dump(old), _dump(new))) if not _is_harmless(name, new)]
    if moved:
        names = ", ".join(moved[:5])
        message = f"The stored secret is not kept, since this has changed and may decide where it is sent: {names}."
        raise Invalid([Fault(field_of(place), message, _SEND) for place in places])


def secrets_of(block: Block | None) -> dict[Place, Any]:
    """Return every secret that is set, by its place. Never shown."""
    return dict(_secrets(_dump(block))) if block is not None else {}


def only_set(shown: Mapping[str, Any], block: Block) -> dict[str, Any]:
    """Return settings as they are shown, with the marks of those secrets alone that hold anything.

    Prefect hides an empty secret like any other.
    """
    found: dict[str, Any] = deepcopy(dict(shown))
    places = secrets_of(block)
    for place in markers(shown):
        if place not in places:
            inner: Any = found
            for part in place[:-1]:
                inner = inner[part]
            inner[place[-1]] = ""
    return found


def is_same(old: Block | None, new: Block) -> bool:
    """Tell whether two blocks have the same settings, secrets included."""
    return old is not None and not _changed(_dump(old), _dump(new))


def field_of(place: Place) -> str:
    """Return a place as a refusal names it."""
    return ".".join(["settings", *(str(part)[:60] for part in place)])


def _is_harmless(name: str, block: Block) -> bool:
    # Each class names its own fields, so that a base and its subclass need not know of each other.
    harmless = {one for part in type(block).__mro__ for one in vars(part).get("harmless_fields", ())}
    return any(name == one or name.startswith(f"{one}.") for one in harmless)


def _changed(old: Any, new: Any, name: str = "") -> set[str]:
    """Return the dotted names of the settings that differ; a list differs as a whole."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {
            found
            for key in old.keys() | new.keys()
            for found in _changed(old.get(key), new.get(key), f"{name}.{key}" if name else str(key))
        }
    return set() if old == new else {name}


def _dump(block: Block) -> dict[str, Any]:
    """Return the settings of a block. A mapping that is one secret is opened, so that each value is one."""
    return {name: _opened(value) for name, value in block.model_dump().items()}


def _opened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _opened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_opened(item) for item in value]
    if isinstance(value, Secret) and isinstance(value.get_secret_value(), dict | list):
        return _sealed(value.get_secret_value())
    return value


def _sealed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sealed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_sealed(item) for item in value]
    return SecretStr(value) if isinstance(value, str) else Secret(value)


def _secret_at(dump: Any, place: Place) -> Any:
    """Return the secret in a place, a mapping of them too; None where there is none."""
    for part in place:
        if isinstance(dump, dict):
            dump = dump.get(part)
        elif isinstance(dump, list) and isinstance(part, int) and part < len(dump):
            dump = dump[part]
        else:
            return None
    return _plain(dump)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        found = {key: _plain(item) for key, item in value.items()}
        return found if found and None not in found.values() else None
    return value.get_secret_value() if isinstance(value, SecretStr | SecretBytes | Secret) else None


def _secrets(dump: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    if isinstance(dump, SecretStr | SecretBytes | Secret):
        if dump.get_secret_value():
            yield place, dump.get_secret_value()
    elif isinstance(dump, dict):
        for key, value in dump.items():
            yield from _secrets(value, (*place, key))
    elif isinstance(dump, list | tuple):
        for at, value in enumerate(dump):
            yield from _secrets(value, (*place, at))
