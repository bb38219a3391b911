"""Show the texts and paths of a destination as a delivery would have them, and what is wrong with the others. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mailroom.errors import Fault, Invalid
from prefect_mailroom.channels.base import Destination
from prefect_mailroom.channels.registry import destination, destination_type
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text import variables
from prefect_mailroom.text.formats import Value

PLACE = "destination"


@dataclass(frozen=True, slots=True)
class Expanded:
    """A destination with its values.

    Attributes:
        texts: each text by the name of its setting, such as `subject`.
        files: for each file name, the texts and paths that are its own, by the name of the setting.
        faults: what is wrong, placed below `destination`.
    """

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()


def expanded(data: Mapping[str, Any], given: Mapping[str, Value], filenames: Sequence[str], *, caller: str) -> Expanded:
    """Return a destination's texts and paths with these values. A setting that is wrong does not hide the others.

    Args:
        data: the destination as its user writes it, whole or not.
        filenames: of the files that a delivery has.
        caller: the mail address that stands in for recipients who are wrong or not there yet.
    """
    target, faults = _readable(data, caller)
    if target is None:
        return Expanded(faults=tuple(faults))
    wrong = {_setting(fault) for fault in faults}
    paths, of_files = {place.template for place in target.places()}, target.templates_of_files()
    texts: dict[str, str] = {}
    files: dict[str, dict[str, str]] = {name: {} for name in filenames}
    for name, template in target.templates().items():
        if name in wrong:
            continue
        try:
            if name not in of_files:
                texts[name] = variables.expand_prose(template, given, field=name)
                continue
            for filename, own in files.items():
                values = variables.for_file(given, filename)
                expand = variables.expand_path if template in paths else variables.expand
                own[name] = str(expand(template, values, field=name))
        except ConfigurationError as error:
            faults.append(Fault(f"{PLACE}.{name}", error.message, error.remedy))
    return Expanded(texts, files, tuple(faults))


def _readable(data: Mapping[str, Any], caller: str) -> tuple[Destination | None, list[Fault]]:
    """Return as much of the destination as can be read, or None, and what is wrong with the rest."""
    left, faults = dict(data), []
    while True:
        target, more = _read(left)
        # What is told of settings that were taken out is of our own making.
        faults += [fault for fault in more if left.keys() == data.keys() or _setting(fault) in left]
        wrong = {_setting(fault) for fault in more} & left.keys()
        if target is not None or "channel" in wrong or not more:
            return target, faults
        if not wrong:
            break
        left = {name: value for name, value in left.items() if name not in wrong}
    stand_ins = destination_type(data.get("channel")).trial_settings(caller)
    return _read({"connection": "preview", **left, **stand_ins})[0], faults


def _read(data: Mapping[str, Any]) -> tuple[Destination | None, list[Fault]]:
    try:
        return destination(data), []
    except ConfigurationError as error:
        return None, Invalid.from_configuration(error, PLACE).faults


def _setting(fault: Fault) -> str:
    """Return the name of the setting that a fault is about; '' where it is about the whole destination."""
    return fault.field.removeprefix(PLACE).removeprefix(".").partition(".")[0]
