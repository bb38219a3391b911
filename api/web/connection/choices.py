"""Draw a setting of a connection so that it can be chosen from a list. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from urllib.parse import urlencode

from api.actions.connections.views import ChoicesView
from api.web import refusals
from api.web.connection.form import SETTINGS, ConnectionForm, fields_in
from api.web.fields.build import FieldGroup
from api.web.parts import Field, FieldButton, Option
from mailroom.errors import Invalid
from prefect_mailroom.errors import MailroomError

_FOCUS = {"data-focus": "", "class": "listed"}


def with_buttons(form: ConnectionForm, names: Collection[str], at: str) -> ConnectionForm:
    """Return the form in which each setting that can be chosen has a button: it lists what there is, or takes the list
    away.

    Args:
        at: where the buttons lead.
    """

    def drawn(field: Field) -> Field:
        name = field.name.removeprefix(f"{SETTINGS}-")
        if name not in names:
            return field
        query = {"field": name, **({"typed": "true"} if field.control == "select" else {})}
        # The place in the address brings people back to the field, where the whole page is drawn anew.
        action = f"{at}{'&' if '?' in at else '?'}{urlencode(query)}#{field.name}"
        if field.control == "select":
            return replace(field, optional=False, button=FieldButton(action, "Enter the name instead"))
        return replace(field, optional=False, button=FieldButton(action, f"Show {name}s", "Asking the far side …"))

    return _each(form, drawn)


def with_choices(form: ConnectionForm, name: str, found: ChoicesView) -> ConnectionForm:
    """Return the form with a list to choose from in the place of the text; what was entered stays chosen."""
    values = found.choices.get(name, [])
    if not values:
        return _with_words(form, name, f"There is no {name} that may be listed. Enter the name.")

    def drawn(field: Field) -> Field:
        entered = field.value if isinstance(field.value, str) else ""
        options = [Option(one, one) for one in values]
        if not entered:
            options.insert(0, Option("", f"Choose a {name}"))
        elif entered not in values:
            options.insert(0, Option(entered, f"{entered} (not in the list)"))
        more = found.left_out.get(name, 0)
        hint = f"{len(values):,} {name}s may be listed." + (f" {more:,} more are not shown." if more else "")
        return replace(field, control="select", options=tuple(options), hint=hint, errors=(), attributes=_FOCUS)

    return _at(form, name, drawn)


def said_no(form: ConnectionForm, name: str, error: MailroomError) -> ConnectionForm:
    """Return the form with the reason why there is no list beside the text; it has what is wrong with it already."""
    if isinstance(error, Invalid):
        told = " ".join(f"{one.words.rstrip('.')}." for one in form.faults)
        return _with_words(form, name, f"The list needs other settings first. {told}")
    told_of = refusals.words(error)
    return _with_words(form, name, f"There is no list. {told_of.message} {told_of.remedy} Or enter the name.")


def _with_words(form: ConnectionForm, name: str, words: str) -> ConnectionForm:
    return _at(
        form, name, lambda field: replace(field, hint=words, attributes={**field.attributes, **_FOCUS}, errors=())
    )


def _at(form: ConnectionForm, name: str, change: Callable[[Field], Field]) -> ConnectionForm:
    return _each(form, lambda field: change(field) if field.name == f"{SETTINGS}-{name}" else field)


def _each(form: ConnectionForm, change: Callable[[Field], Field]) -> ConnectionForm:
    return replace(form, settings=_changed(form.settings, change))


def _changed(group: FieldGroup, change: Callable[[Field], Field]) -> FieldGroup:
    return replace(
        group,
        fields=tuple(change(one) for one in group.fields),
        groups=tuple(_changed(one, change) for one in group.groups),
    )


def field_named(form: ConnectionForm, name: str) -> Field | None:
    """Return the field of a setting, None where there is none of this name."""
    return next((one for one in fields_in(form.settings) if one.name == f"{SETTINGS}-{name}"), None)
