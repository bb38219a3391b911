"""Make the fields that narrow the list of schedules, and say in words what is asked for. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from api.web import words
from api.web.parts import Field, Option
from api.web.schedules.asked import FAILING, STATES, Asked
from mailroom.schedules.listing.repository import Option as Known
from mailroom.schedules.listing.repository import Options
from mailroom.states import ScheduleState

_DUE = {"today": "Today", "tomorrow": "Tomorrow", "week": "In the next 7 days"}
_ANY = Option("", "Any")


def fields(options: Options, asked: Asked) -> tuple[Field, ...]:
    """Return the fields of the filter."""
    states = tuple(Option(one, _state(one)) for one in STATES)
    return (
        Field("search", "Search names", "search", asked.search, attributes={"maxlength": "200"}),
        Field("state", "State", "select", asked.state, (_ANY, *states)),
        Field("report", "Report", "select", asked.report, (_ANY, *_known(options.reports, asked.report))),
        Field("owner", "Owner", "select", asked.owner, (_ANY, *_known(options.owners, asked.owner))),
        Field("to", "Destination", "select", asked.to, (_ANY, *_destinations(options, asked.to))),
        Field(
            "recipient",
            "Recipient",
            "text",
            asked.recipient,
            attributes={"inputmode": "email", "autocapitalize": "none", "maxlength": "320"},
        ),
        Field("due", "Due", "select", asked.due, (_ANY, *(Option(name, said) for name, said in _DUE.items()))),
    )


def told(options: Options, asked: Asked) -> str:
    """Say what is asked for, such as "state Failing and recipient ada@example.com"."""
    parts = (
        ("the name", f"“{asked.search}”" if asked.search else ""),
        ("state", _state(asked.state) if asked.state else ""),
        ("report", _name(options.reports, asked.report)),
        ("owner", _name(options.owners, asked.owner)),
        ("destination", _to(asked.to) if asked.to else ""),
        ("recipient", asked.recipient),
        ("due", _DUE.get(asked.due, "").lower()),
    )
    said = [f"{what} {which}" for what, which in parts if which]
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)


def _state(name: str) -> str:
    return words.FAILING.words if name == FAILING else words.SCHEDULES[ScheduleState(name)].words


def _known(known: Sequence[Known], chosen: str) -> tuple[Option, ...]:
    """Return the options; one that is chosen and not known stays, so that Filter does not drop it."""
    found = tuple(Option(one.id, one.name) for one in known)
    return found if not chosen or any(one.value == chosen for one in found) else (Option(chosen, chosen), *found)


def _name(known: Sequence[Known], chosen: str) -> str:
    return next((one.name for one in known if one.id == chosen), chosen)


def _destinations(options: Options, chosen: str) -> tuple[Option, ...]:
    channels = sorted({channel for channel, _ in options.destinations})
    found = [Option(one, words.kind_words(one), group="Channel") for one in channels]
    found += [Option(f"{one}:{name}", name, group="Connection") for one, name in options.destinations]
    if chosen and all(one.value != chosen for one in found):
        found.insert(0, Option(chosen, _to(chosen)))
    return tuple(found)


def _to(chosen: str) -> str:
    channel, _, connection = chosen.partition(":")
    return connection or words.kind_words(channel)
