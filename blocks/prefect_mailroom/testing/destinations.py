"""The part of the suite that asks a destination what the rest of Mailroom asks it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from prefect_mailroom.channels.base import Destination
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.testing.far_side import FarSide, parcel_for
from prefect_mailroom.text import variables

CALLER = "caller@example.com"
_TEMPLATE = "{report_slug}-{execution_id}"
_EXPANDED = "conformance-e-1"


class DestinationConformance:
    """The answers of every destination. `far_side` is the fixture that a subclass gives."""

    async def test_destination_survives_the_database(self, far_side: FarSide) -> None:
        """A destination is stored as JSON and read back the same."""
        destination = far_side.destination()
        assert type(destination).model_validate(json.loads(destination.model_dump_json())) == destination

    async def test_templates_are_named(self, far_side: FarSide) -> None:
        """Each template is a setting of that name, and each setting documented as a template is named."""
        destination = far_side.destination()
        settings, templates = destination.model_dump(), destination.templates()
        assert {field: settings[field] for field in templates} == dict(templates)
        fields = type(destination).model_fields
        documented = {
            name
            for name, field in fields.items()
            if "template" in (field.description or "") or "{" in str(field.default)
        }
        assert documented <= set(templates)

    async def test_templates_are_checked(self, far_side: FarSide) -> None:
        """A variable that does not exist is refused when the schedule is saved, with the setting's name."""
        destination = far_side.destination()
        for field in destination.templates():
            assert _field_refused(destination, {field: "{no_such_variable}"}) == field

    async def test_templates_are_expanded(self, far_side: FarSide, tmp_path: Path) -> None:
        """Readers see the values of variables, never their names."""
        templates = far_side.destination().templates()
        for field in templates:
            destination = _changed(far_side.destination(), {field: _TEMPLATE})
            parcel = parcel_for(far_side, tmp_path, {"a.csv": b"1"}, key=f"key-{field}", destination=destination)
            await far_side.channel.deliver(parcel)
        shown = await far_side.shown()
        assert shown.count(_EXPANDED) >= len(templates)
        assert _TEMPLATE not in shown

    async def test_places_are_where_the_files_go(self, far_side: FarSide, tmp_path: Path) -> None:
        """The receipt of a delivery names each place that the destination says it writes to."""
        parcel = parcel_for(far_side, tmp_path, {"a.csv": b"1"})
        receipt = await far_side.channel.deliver(parcel)
        told = json.dumps(receipt.detail)
        for place in parcel.destination.places():
            assert place.template in parcel.destination.templates().values()
            expanded = variables.expand_path(place.template, variables.for_file(parcel.variables, "a.csv"))
            assert str(expanded) in told

    async def test_audience(self, far_side: FarSide) -> None:
        """Everybody who gets a delivery is known, once, as a reader or by the place that is written."""
        destination = far_side.destination()
        recipients, readers = destination.recipients(), destination.audience()
        assert recipients
        assert len(set(recipients)) == len(recipients)
        assert len({reader.identity for reader in readers}) == len(readers)
        assert {reader.label for reader in readers} <= set(recipients)
        assert readers or destination.places()

    async def test_a_test_reaches_the_caller_alone(self, far_side: FarSide) -> None:
        """The copy for a test reaches no reader but the caller, and writes to no place that others read."""
        destination = far_side.destination()
        tested = destination.for_test(CALLER)
        if tested is None:
            return
        assert type(tested).model_validate(tested.model_dump()) == tested
        assert tested.connection == destination.connection
        assert {reader.label for reader in tested.audience()} <= {CALLER, destination.connection}
        assert not {place.template for place in tested.places()} & {place.template for place in destination.places()}

    async def test_a_trial_needs_a_connection_and_a_caller(self, far_side: FarSide) -> None:
        """A trial message can be sent from nothing but the connection and the caller's address."""
        model = type(far_side.destination())
        settings = {"channel": far_side.channel.kind, "connection": "test", **model.trial_settings(CALLER)}
        tried = model.model_validate(settings).for_test(CALLER)
        assert tried is None or {reader.label for reader in tried.audience()} <= {CALLER, "test"}


def _changed(destination: Destination, settings: Mapping[str, Any]) -> Destination:
    return type(destination).model_validate({**destination.model_dump(), **settings})


def _field_refused(destination: Destination, settings: Mapping[str, Any]) -> str:
    """Return the name of the setting that the destination's model refuses; '' where it refuses none."""
    try:
        _changed(destination, settings)
    except ConfigurationError as error:
        return error.field
    except ValidationError as error:
        return str(error.errors()[0]["loc"][0])
    return ""
