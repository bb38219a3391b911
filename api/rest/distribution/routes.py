"""REST for test messages through a connection."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path

from api.actions.distribution import actions as distribution
from api.actions.distribution.actions import DistributionTest
from api.actions.distribution.views import TestReceipt
from api.http.bodies import examples
from api.http.dependencies import CallerDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from api.rest.connections.examples import FOLDER
from mailroom.access.permissions import Action

router = APIRouter(prefix="/distribution", tags=["distribution"], route_class=JsonRoute)


@router.post(
    "/test/{channel}",
    responses=documented(400, 404, 409, 422, 429, 501, 502, 503),
    openapi_extra=may(Action.CONNECTION_TRY),
)
async def send_test(
    channel: Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,39}$", examples=["email", "sftp"])],
    body: Annotated[
        DistributionTest,
        Body(
            openapi_examples=examples(
                email={"connection": "corp-smtp", "to": "ada@example.com"},
                folder={"connection": "shared-folder"},
                before_it_is_stored={"settings": FOLDER["settings"]},
            )
        ),
    ],
    caller: CallerDep,
) -> TestReceipt:
    """Check a connection step by step, send a small real message, and return what the receiver confirmed.

    Give `connection`, or `settings` to try them before they are stored. The message is marked as a test. Nothing is
    sent if the check fails at a step that a delivery needs. A test that fails is a problem whose `steps` say how far
    it came.
    """
    return await distribution.send_test(caller, channel, body)
