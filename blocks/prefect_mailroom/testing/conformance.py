"""The suite that every channel passes, run against its real far side.

Subclass `ChannelConformance` in a test module, give it a fixture `far_side`, and run it with pytest-asyncio in its
auto mode:

    class TestMyChannel(ChannelConformance):
        @pytest.fixture
        async def far_side(self): ...
            yield MyFarSide(...)
"""

from __future__ import annotations

import hashlib
import json
import traceback
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationError

from prefect_mailroom.channels.base import Channel, Destination, Parcel, ParcelFile
from prefect_mailroom.errors import (
    ConfigurationError,
    DeliveryError,
    MailroomError,
    OutcomeUnknown,
    Refused,
    RetryLater,
)
from prefect_mailroom.text import variables

CALLER = "caller@example.com"
_TEMPLATE = "{report_slug}-{execution_id}"
_EXPANDED = "conformance-e-1"


class FarSide(ABC):
    """The facts about a channel's other end that the suite needs. `channel` is connected to one that works.

    Attributes:
        secrets: every secret that the connection holds; none may show up anywhere.
        deduplicates: whether the same key twice leaves one delivery at the far side.
        carries_files: whether the files themselves arrive.
    """

    channel: Channel
    secrets: tuple[str, ...] = ()
    deduplicates: bool = False
    carries_files: bool = True

    @abstractmethod
    def destination(self) -> Destination:
        """Return a valid destination there."""

    @abstractmethod
    async def received(self) -> list[Mapping[str, bytes]]:
        """Return file name -> content for each delivery that arrived, oldest first."""

    @abstractmethod
    async def shown(self) -> str:
        """Return all that readers see of the deliveries that arrived: subjects, bodies, names; no file's content."""

    @abstractmethod
    def unreachable(self) -> Channel:
        """Return the same kind of channel, to where nothing is."""

    @abstractmethod
    def refusing(self) -> AbstractAsyncContextManager[Channel]:
        """Open a channel whose far side says no for good."""

    @abstractmethod
    def silent(self) -> AbstractAsyncContextManager[Channel] | None:
        """Open a channel whose far side takes the parcel and never answers; None where that cannot be."""


def parcel_for(
    far_side: FarSide,
    folder: Path,
    files: Mapping[str, bytes],
    *,
    key: str = "key-1",
    destination: Destination | None = None,
) -> Parcel:
    """Return a parcel for the first recipient of a destination, its files written to `folder`.

    Args:
        destination: the far side's own where None.
    """
    destination = destination or far_side.destination()
    parcel_files = []
    for index, (name, content) in enumerate(files.items()):
        path = folder / f"artifact-{index}"
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        parcel_files.append(ParcelFile(path, name, "application/octet-stream", len(content), digest))
    return Parcel(
        key=key,
        attempt=1,
        recipient=destination.recipients()[0],
        destination=destination,
        files=tuple(parcel_files),
        subject="Conformance",
        text="A test.",
        html="<p>A test.</p>",
        variables={
            "report_name": "Conformance",
            "report_slug": "conformance",
            "schedule_name": "suite",
            "date": date(2026, 2, 9),
            "due": datetime(2026, 2, 9, 9, 0, tzinfo=UTC),
            "execution_id": "e-1",
        },
        facts={"report": "conformance"},
    )


class ChannelConformance:
    """The promises of every channel. `far_side` is the fixture that a subclass gives."""

    FILES: ClassVar[Mapping[str, bytes]] = {
        "report.pdf": bytes(range(256)) * 500,
        "Übersicht & 東京 (März).csv": "größe;1\r\n.\r\n..leading\n\n".encode(),
        "empty.json": b"",
    }

    async def test_far_side_has_exactly_the_bytes(self, far_side: FarSide, tmp_path: Path) -> None:
        """The far side gets what was rendered, name by name and byte by byte."""
        await far_side.channel.deliver(parcel_for(far_side, tmp_path, self.FILES))
        received = await far_side.received()
        assert received == [self.FILES if far_side.carries_files else {}]

    async def test_same_key_twice(self, far_side: FarSide, tmp_path: Path) -> None:
        """A repeated key makes no second delivery where the channel can promise that."""
        parcel = parcel_for(far_side, tmp_path, {"a.csv": b"1"})
        await far_side.channel.deliver(parcel)
        await far_side.channel.deliver(replace(parcel, attempt=2))
        assert len(await far_side.received()) == (1 if far_side.deduplicates else 2)

    async def test_no_files(self, far_side: FarSide, tmp_path: Path) -> None:
        """A parcel without files is delivered, not an error."""
        receipt = await far_side.channel.deliver(parcel_for(far_side, tmp_path, {}))
        assert receipt.reference

    async def test_receipt_is_json_and_holds_no_secret(self, far_side: FarSide, tmp_path: Path) -> None:
        """A receipt can be stored and shown as it is."""
        receipt = await far_side.channel.deliver(parcel_for(far_side, tmp_path, {"a.csv": b"1"}))
        told = json.dumps({"reference": receipt.reference, "detail": receipt.detail})
        assert receipt.reference
        assert receipt.confirmed_at.tzinfo is not None
        _assert_without(far_side.secrets, told)

    async def test_unreachable_is_never_a_success(self, far_side: FarSide, tmp_path: Path) -> None:
        """Where nothing answers, it is tried later or a person must look; nothing can have arrived."""
        channel = far_side.unreachable()
        error = await _failure(channel.deliver(parcel_for(far_side, tmp_path, {"a.csv": b"1"})))
        assert isinstance(error, RetryLater | ConfigurationError), repr(error)
        assert str(error)
        _assert_without(far_side.secrets, _everything_about(error))

    async def test_refused_is_for_good(self, far_side: FarSide, tmp_path: Path) -> None:
        """A far side that says no for good is not tried again."""
        async with far_side.refusing() as channel:
            error = await _failure(channel.deliver(parcel_for(far_side, tmp_path, {"a.csv": b"1"})))
        assert isinstance(error, Refused), repr(error)
        _assert_without(far_side.secrets, _everything_about(error))

    async def test_silence_is_not_a_success(self, far_side: FarSide, tmp_path: Path) -> None:
        """Without an answer in time the outcome is unknown, or later where nothing can have been taken."""
        context = far_side.silent()
        if context is None:
            return
        async with context as channel:
            error = await _failure(channel.deliver(parcel_for(far_side, tmp_path, {"a.csv": b"1"})))
        assert isinstance(error, OutcomeUnknown | RetryLater), repr(error)
        _assert_without(far_side.secrets, _everything_about(error))

    async def test_check(self, far_side: FarSide) -> None:
        """`check` says something about a far side that works, delivers nothing, and fails clearly otherwise."""
        assert await far_side.channel.check()
        assert await far_side.received() == []
        error = await _failure(far_side.unreachable().check())
        assert isinstance(error, RetryLater | ConfigurationError), repr(error)
        _assert_without(far_side.secrets, _everything_about(error))

    async def test_secrets_stay_inside(self, far_side: FarSide) -> None:
        """Neither the text forms of the block nor its JSON schema show a secret."""
        channel = far_side.channel
        _assert_without(far_side.secrets, f"{channel!r} {channel!s} {json.dumps(type(channel).model_json_schema())}")

    async def test_settings_are_described(self, far_side: FarSide) -> None:
        """Kind, slug and destination type agree, so that a connection can be found by its kind."""
        channel = type(far_side.channel)
        assert channel.get_block_type_slug() == f"mailroom-{channel.kind}"
        assert isinstance(far_side.destination(), channel.destination_type)
        assert far_side.destination().channel == channel.kind

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


async def _failure(awaitable: Any) -> MailroomError:
    try:
        outcome = await awaitable
    except (DeliveryError, ConfigurationError) as error:
        return error
    raise AssertionError(f"It succeeded, and should not have: {outcome!r}")


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


def _everything_about(error: BaseException) -> str:
    return f"{error!r} {''.join(traceback.format_exception(error))}"


def _assert_without(secrets: tuple[str, ...], told: str) -> None:
    shown = [secret for secret in secrets if secret in told]
    assert not shown, "A secret shows."
