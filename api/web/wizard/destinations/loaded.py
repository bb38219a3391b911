"""Bring together what the page of the step shows: cards, what each would do, variables, results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fastapi import Response

from api.actions.connections import actions as connections
from api.actions.distribution.preview import DestinationPreviewRequest, preview
from api.actions.distribution.values import sample_values
from api.actions.distribution.written import WrittenSchedule, as_written
from api.web import page, refusals
from api.web.parts import Field
from api.web.wizard import showing
from api.web.wizard.destinations.cards import Card, cards, formats_field
from api.web.wizard.destinations.previews import CardPreview, card_preview
from api.web.wizard.destinations.results import Result
from api.web.wizard.destinations.variables import Variable, variables
from api.web.wizard.destinations.words import more_faults, place_in, say_in
from api.web.wizard.opened import Opened
from mailroom.errors import Invalid
from mailroom.reports.spec import ReportDefinition
from prefect_mailroom.errors import MailroomError

PAGE, ONE, PEOPLE, RESULT = (f"wizard/destinations/{name}.html" for name in ("page", "preview", "people", "result"))


@dataclass(frozen=True, slots=True)
class DestinationsView:
    """The form of the step.

    Attributes:
        previews: what each card would do, by its number.
        results: how checks and tests ended, by the number of the card.
    """

    formats: Field
    cards: tuple[Card, ...]
    previews: Mapping[int, CardPreview]
    variables: tuple[Variable, ...]
    results: Mapping[int, Result] = field(default_factory=dict)
    fault: str = ""


async def show_page(
    opened: Opened, *, part: str = "", at: int | None = None, results: Mapping[int, Result] | None = None
) -> Response:
    """Show the step.

    Args:
        part: the template of the part that htmx asks for, and `at` the number of the card that it belongs to.
    """
    definition = opened.definition
    if definition is None:
        return await showing.show(opened, PAGE, view=None)
    if opened.faults:
        opened = replace(opened, faults=[*opened.faults, *more_faults(opened.value, opened.faults)])
    alone = bool(part) and page.wants_part(opened.visitor.request)
    view = await _view(opened, definition, results or {}, only=at if alone else None)
    place, say = place_in(opened.value), say_in(definition, opened.value)
    shown = next((card for card in view.cards if card.index == at), None)
    return await showing.show(
        opened,
        PAGE,
        part=part if shown else "",
        faults=showing.summary(opened.faults, place, say),
        view=view,
        card=shown,
        at=at,
        preview=view.previews.get(at) if at is not None else None,
        result=view.results.get(at) if at is not None else None,
    )


async def _view(
    opened: Opened, definition: ReportDefinition, results: Mapping[int, Result], *, only: int | None
) -> DestinationsView:
    caller, value = opened.visitor.caller, opened.value
    errors = showing.errors(opened.faults, place_in(value), say_in(definition, value))
    drawn = cards(value, (await connections.every(caller)).items, errors)
    body = as_written(opened.draft.body(), formats=value.get("formats"))
    wanted = [card for card in drawn if only is None or card.index == only]
    previews = {card.index: await _preview(opened, body, _given(value, card.index)) for card in wanted}
    try:
        values = await sample_values(caller, WrittenSchedule.model_validate(body))
    except Invalid:
        values = {}  # What is wrong is told by the previews.
    return DestinationsView(
        formats=formats_field(definition, value, errors.get("formats-", ())),
        cards=drawn,
        previews=previews,
        variables=variables(definition, values, of_files=True),
        results=results,
        fault=" ".join(errors.get("destinations", ())),
    )


async def _preview(opened: Opened, body: Mapping[str, Any], given: Mapping[str, Any]) -> CardPreview:
    """Return what a destination would do at the next run, or why that cannot be said."""
    try:
        wanted = DestinationPreviewRequest.model_validate({**body, "destination": dict(given)})
        found = await preview(opened.visitor.caller, wanted)
    except Invalid as error:
        return CardPreview(none=" ".join(refusals.of_fault(one).sentence for one in error.faults))
    except MailroomError as error:
        return CardPreview(none=refusals.words(error).sentence)
    return card_preview(found, body.get("timing", {}).get("timezone"), opened.visitor.when)


def _given(value: Mapping[str, Any], index: int) -> Mapping[str, Any]:
    written: Sequence[Any] = value.get("destinations") or ()
    one = written[index] if index < len(written) else {}
    return one if isinstance(one, Mapping) else {}
