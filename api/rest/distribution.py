"""Tests of distribution: one small real message through a named connection."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path
from pydantic import BaseModel, ConfigDict, Field

from api.http.bodies import examples
from api.http.json_body import JsonRoute
from api.http.problems import Refusal, documented
from api.services import CallerDep, ServicesDep
from api.views import TestReceipt
from mailroom.connections import trials as trial_messages
from prefect_mailroom.channels.registry import CHANNELS

router = APIRouter(prefix="/distribution", tags=["distribution"], route_class=JsonRoute)


class DistributionTest(BaseModel):
    """Which connection to test, and where the message goes; to the caller when `to` is left out."""

    model_config = ConfigDict(extra="forbid")

    connection: str = Field(min_length=1, max_length=100)
    to: str | None = Field(default=None, min_length=3, max_length=320)
    destination: dict[str, Any] = Field(
        default_factory=dict, description="The channel's other settings, as on a schedule's destination."
    )


@router.post("/test/{channel}", responses=documented(400, 404, 422, 501, 502, 503))
async def send_test(
    channel: Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,39}$", examples=["email", "sftp"])],
    body: Annotated[
        DistributionTest,
        Body(
            openapi_examples=examples(
                email={"connection": "corp-smtp", "to": "ada@example.com"},
                folder={"connection": "shared-folder"},
            )
        ),
    ],
    context: CallerDep,
    services: ServicesDep,
) -> TestReceipt:
    """Send a small real message, marked as a test, and answer what the far side confirmed."""
    if channel not in CHANNELS:
        known = ", ".join(sorted(CHANNELS))
        detail = f"This Mailroom has no channel '{channel}' yet; it comes with that channel."
        raise Refusal(501, "no-such-channel", detail, remedy=f"Use one of: {known}.")
    async with services.database.session() as session:
        row = await trial_messages.find_connection(session, channel, body.connection)
    wanted = trial_messages.target(channel, row.name, body.to or context.user.email, body.destination)
    recipient, receipt = await trial_messages.send(row, wanted, context)
    async with services.database.session() as session:
        trial_messages.record(session, row, recipient, context)
    return TestReceipt(
        channel=channel,
        connection=row.name,
        recipient=recipient,
        reference=receipt.reference,
        confirmed_at=receipt.confirmed_at,
    )
