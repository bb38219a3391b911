"""A new channel is its own folder, an entry in the registry, and its test: nothing else has to know its fields.

The channel of this module exists only while a test lasts, and its settings have names that no other channel uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from pydantic import Field, SecretStr, ValidationInfo, field_validator

from mailroom.connections.kinds import block_type, is_channel, kinds
from mailroom.passes.planned.deliveries import plan
from mailroom.passes.planned.plan import plan_of
from mailroom.passes.planned.shipment import Shipment, parcel
from mailroom.rendering.service import Message, RenderedReport, render_request
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules.conflicts.keys import keys_of
from mailroom.schedules.spec import ScheduleSpec, read_spec
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.tables import Execution, Rendering, Schedule
from prefect_mailroom.channels.base import Channel, Destination, Parcel, Place, Reader, Receipt
from prefect_mailroom.channels.steps import Steps
from prefect_mailroom.testing import registered
from prefect_mailroom.text import variables
from tests.integration.api.conftest import Api
from tests.support.samples import REPORT

FLOWN: list[tuple[Parcel, str]] = []
"""Every parcel that a pigeon carried, and the message on its leg."""


class PigeonDestination(Destination):
    """A loft, and the keepers who read what arrives there."""

    channel: Literal["pigeon"] = "pigeon"
    keepers: list[str] = Field(min_length=1)
    loft: str = Field(default="{report_slug}/{date}.{ext}", description="A template.")
    strip: str = Field(default="", description="A template.")

    @field_validator("loft", "strip")
    @classmethod
    def _templates(cls, template: str, info: ValidationInfo) -> str:
        name = str(info.field_name)
        return variables.validate(template, extra=variables.parameter_names(template, field=name), field=name)

    def recipients(self) -> list[str]:
        return self.keepers

    def audience(self) -> list[Reader]:
        return [Reader(keeper, (keeper,)) for keeper in self.keepers]

    def templates(self) -> Mapping[str, str]:
        return {"loft": self.loft, "strip": self.strip}

    def places(self) -> list[Place]:
        return [Place(self.loft, "fail")]

    def for_test(self, caller: str) -> PigeonDestination:
        return self.model_copy(update={"keepers": [caller], "loft": f"test/{self.loft}"})

    @classmethod
    def trial_settings(cls, caller: str) -> Mapping[str, Any]:
        return {"keepers": [caller]}


class PigeonChannel(Channel):
    """Sends reports by pigeon."""

    _block_type_name = "Mailroom Pigeon"
    _block_type_slug = "mailroom-pigeon"

    kind: ClassVar[str] = "pigeon"
    destination_type: ClassVar[type[Destination]] = PigeonDestination

    ring: SecretStr

    async def transfer(self, parcel: Parcel) -> Receipt:
        destination = parcel.destination
        assert isinstance(destination, PigeonDestination)
        strip = variables.expand(destination.strip, parcel.variables)
        FLOWN.append((parcel, strip))
        return Receipt(reference=f"pigeon-{len(FLOWN)}")

    async def check(self, steps: Steps) -> str:
        return "It coos."


@pytest.fixture
def pigeons() -> Iterator[None]:
    """The channel exists from before the application starts until after it has ended."""
    FLOWN.clear()
    with registered(PigeonChannel):
        yield


@pytest.fixture
async def served(pigeons: None, online: Api) -> Api:
    """The API of a Mailroom with pigeons, and a connection of theirs."""
    connection = {"name": "post", "kind": "pigeon", "settings": {"ring": "canary-ring"}}
    await online.json("POST", "/connections", 201, json=connection)
    return online


def a_schedule(**settings: Any) -> dict[str, Any]:
    return {
        "name": "Daily orders",
        "report_id": "orders",
        "timing": {"frequency": "daily", "at": "09:00", "timezone": "Europe/Berlin"},
        "parameters": {"region": "EMEA"},
        "formats": ["csv"],
        "destinations": [
            {"channel": "pigeon", "connection": "post", "keepers": ["ada@example.com", "bob@example.com"], **settings}
        ],
    }


async def test_a_connection_is_a_block_of_the_channel(served: Api) -> None:
    assert "pigeon" in kinds()
    assert is_channel("pigeon")
    assert block_type("pigeon") is PigeonChannel
    listed = {kind["kind"]: kind for kind in (await served.json("GET", "/connections/kinds", 200))["items"]}
    assert listed["pigeon"]["use"] == "channel"
    shown = await served.json("GET", "/connections/post", 200)
    assert shown["settings"]["ring"] == {"secret": True}
    checked = await served.json("POST", "/connections/post/check", 200)
    assert checked["message"] == "It coos."


async def test_the_contract_describes_its_settings(pigeons: None, online: Api) -> None:
    document = online.app.openapi()
    body = document["paths"]["/api/v1/schedules/"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    mapping = body["properties"]["destinations"]["items"]["discriminator"]["mapping"]
    assert mapping["pigeon"] == "#/components/schemas/PigeonDestination"
    assert "keepers" in document["components"]["schemas"]["PigeonDestination"]["properties"]


async def test_a_schedule_is_checked_setting_by_setting(served: Api) -> None:
    stored = await served.json("POST", "/schedules/", 201, json=a_schedule(strip="{report_name}: {param_region}"))
    assert stored["destinations"][0]["keepers"] == ["ada@example.com", "bob@example.com"]
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"keepers": []}, "destinations.0.keepers"),
        ({"loft": "{nothing}"}, "destinations.0.loft"),
        ({"wings": 2}, "destinations.0.wings"),
        ({"strip": "{param_colour}"}, "destinations.0.strip"),
        ({"connection": "shared"}, "destinations.0.connection"),
    ]
    for settings, field in wrong:
        refused = await served.json("POST", "/schedules/", 422, json=a_schedule(**settings))
        assert [error["field"] for error in refused["errors"]] == [field]


async def test_schedules_with_a_reader_or_a_file_in_common_are_found(served: Api) -> None:
    await served.json("POST", "/schedules/", 201, json=a_schedule())
    warned = await served.json("POST", "/schedules/", 201, json={**a_schedule(), "name": "The same again"})
    assert {"duplicate", "same_file"} <= {warning["code"] for warning in warned["warnings"]}
    shares = keys_of("orders", "Daily orders", ["csv"], read_spec(a_schedule()).targets()).values()
    assert sorted((share.kind, share.label, share.if_exists) for share in shares) == [
        ("file", "{report_slug}/{date}.{ext}", "fail"),
        ("recipient", "ada@example.com", ""),
        ("recipient", "bob@example.com", ""),
    ]


async def test_a_trial_message_reaches_the_caller(served: Api) -> None:
    body = {"connection": "post", "to": "me@example.com", "destination": {"strip": "{report_name}"}}
    receipt = await served.json("POST", "/distribution/test/pigeon", 200, json=body)
    assert (receipt["recipient"], receipt["reference"]) == ("me@example.com", "pigeon-1")
    [(flown, strip)] = FLOWN
    assert flown.is_test
    assert flown.destination.places() == [Place("test/{report_slug}/{date}.{ext}", "fail")]
    assert strip == "Test"


async def test_deliveries_are_planned_and_packed(pigeons: None, tmp_path: Path) -> None:
    spec = read_spec(a_schedule(strip="{report_name} for {param_region}"))
    scheduled, tested = an_execution(ExecutionKind.SCHEDULED), an_execution(ExecutionKind.TEST)
    assert [row.recipient for row in plan(scheduled, spec, now=scheduled.due_at)] == [
        "ada@example.com",
        "bob@example.com",
    ]
    [delivery] = plan(tested, spec, now=tested.due_at)
    assert (delivery.channel, delivery.recipient) == ("pigeon", "me@example.com")
    assert delivery.destination["loft"] == "test/{report_slug}/{date}.{ext}"
    packed = parcel(a_shipment(tested, spec), delivery, 1)
    receipt = await PigeonChannel(ring=SecretStr("r")).deliver(packed)
    assert receipt.reference == "pigeon-1"
    assert FLOWN[0][1] == "Orders for EMEA"


def an_execution(kind: ExecutionKind) -> Execution:
    return Execution(
        id=f"execution-{kind}",
        schedule_id="schedule-1",
        kind=kind,
        due_at=datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
        status=ExecutionState.RUNNING,
        test_recipient="me@example.com" if kind is ExecutionKind.TEST else None,
    )


def a_shipment(execution: Execution, spec: ScheduleSpec) -> Shipment:
    definition = ReportDefinition.model_validate(REPORT)
    request = render_request(definition, spec.parameters, spec.formats, execution.due_at, spec.timing.timezone)
    report = RenderedReport(
        (Rendering(id="r-1", artifact_ids=[], result={"figures": {}, "rows": 2}, created_at=execution.due_at),)
    )
    schedule = Schedule(id="schedule-1", name=spec.name)
    return Shipment(
        execution=execution,
        schedule=schedule,
        spec=spec,
        plan=plan_of(schedule, request, report),
        report=report,
        files=(),
        message=Message(html="", text="Two orders.", images=()),
    )
