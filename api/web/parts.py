"""The parts that templates are given: frozen data, with every word worked out already.

A `view.py` makes them from what an action answers, and a macro of `base/macros` draws them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Tone = Literal["ok", "run", "wait", "warn", "bad", "off"]
Control = Literal[
    "text",
    "email",
    "password",
    "number",
    "date",
    "time",
    "datetime-local",
    "search",
    "url",
    "hidden",
    "textarea",
    "select",
    "radios",
    "checkbox",
    "checkboxes",
    "cards",
    "readonly",
]


@dataclass(frozen=True, slots=True)
class Chip:
    """A state in words, with its icon and tone."""

    words: str
    icon: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time as a reader sees it.

    Attributes:
        iso: for `<time datetime>`, in UTC.
        text: such as "Mon 30 Nov 2026, 09:00 CET".
        relative: the second line, such as "in 4 days"; may be empty.
        for_you: the same in the reader's own zone, where that differs.
    """

    iso: str
    text: str
    relative: str = ""
    for_you: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a field; `hint` and `picture` are for radio cards, `group` for the groups of a select."""

    value: str
    label: str
    hint: str = ""
    group: str = ""
    picture: str = ""
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class FieldButton:
    """A button behind a field that sends its form to `action`, and so draws the field anew.

    `busy` stands on it while an answer is waited for; it is empty where that takes no time.
    """

    action: str
    words: str
    busy: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form.

    Attributes:
        name: the name in the form, which is its id too; see `api.web.forms` for how names are nested.
        value: what is in it; for checkboxes, the values that are ticked, a single checkbox is ticked when it is "on".
        errors: sentences that say what is wrong and what to do.
        optional: whether "(optional)" stands behind the label.
        attributes: further attributes of the control, such as min, max, maxlength, inputmode, autocomplete.
        classes: further classes of what is around it, such as those that show it for a certain choice alone.
        button: behind it, which draws it anew, as with a list to choose from.
    """

    name: str
    label: str
    control: Control = "text"
    value: str | tuple[str, ...] = ""
    options: tuple[Option, ...] = ()
    hint: str = ""
    errors: tuple[str, ...] = ()
    optional: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    classes: str = ""
    button: FieldButton | None = None


@dataclass(frozen=True, slots=True)
class FormFault:
    """A line of the summary of faults on top of a page; `target` is the id of the field, or empty."""

    target: str
    words: str


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """A line of a summary list: what it is, what is chosen, and where to change it (empty: nowhere)."""

    term: str
    lines: tuple[str, ...]
    change: str = ""
    change_words: str = "Change"


@dataclass(frozen=True, slots=True)
class Link:
    """A link; `current` is for the one that leads to where the reader is."""

    href: str
    words: str
    current: bool = False
    icon: str = ""
    count: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """A form with one button, which posts to `action` what is in `values`."""

    action: str
    words: str
    values: Mapping[str, str] = field(default_factory=dict)
    icon: str = ""
    tone: Literal["plain", "primary", "bad", "link"] = "plain"


@dataclass(frozen=True, slots=True)
class Menu:
    """A popover with links and buttons; `id` is unique on its page, `label` is the name of its button."""

    id: str
    label: str
    items: tuple[Link | Button, ...]


@dataclass(frozen=True, slots=True)
class Pager:
    """The links to the pages before and behind; empty where there is none."""

    first: str = ""
    next: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice on top of a page: what happened, and a way to undo it. `id` is empty for one that cannot be closed."""

    id: str
    words: str
    tone: Tone = "ok"
    undo: Button | None = None
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Empty:
    """Hold what a page without anything on it says: what this is, and the next step."""

    heading: str
    words: str
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Bell:
    """Say how many notifications are new: `count` is shown and `words` are read out; both are empty for none."""

    count: str = ""
    words: str = ""
