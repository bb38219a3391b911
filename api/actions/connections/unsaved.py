"""Try settings of a connection before they are stored: check them, and list what can be chosen in them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from prefect.blocks.core import Block
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller
from api.actions.connections.actions import check_view
from api.actions.connections.views import CheckView, ChoicesView
from mailroom.access.permissions import Action
from mailroom.audit import repository as audit
from mailroom.audit.delivery_events import CredentialUsed
from mailroom.connections import checks, choosing
from mailroom.connections import repository as connection_repository
from mailroom.connections import service as connections
from mailroom.connections.spec import UnsavedConnection, screen
from mailroom.errors import CheckFailed, Invalid
from mailroom.limits import service as limits
from mailroom.limits.spec import Budget
from prefect_mailroom import outbound
from prefect_mailroom.errors import MailroomError


async def check_unsaved(
    caller: Caller, wanted: UnsavedConnection, *, seconds: float = checks.CHECK_SECONDS
) -> CheckView:
    """Check whether settings would work as a connection, by asking their server; nothing is stored or delivered.

    Args:
        seconds: how long their server may take.

    Raises:
        CheckFailed: what is wrong, with the steps that were tried.
        Invalid: the settings are wrong, lead where nothing may go, or name a connection that is not there.
        Unavailable: Prefect does not answer.
        TooOften: the caller has tested as often within the hour as a user may.
    """
    block = await build_unsaved(caller, wanted)
    async with _trial(caller, wanted, block, "check") as trial:
        checked = await checks.of_block(block, seconds)
        trial.outcome = checked.outcome
    return check_view(checked)


async def choices(caller: Caller, wanted: UnsavedConnection) -> ChoicesView:
    """Return what can be chosen in settings, such as the buckets that they may list; nothing is stored.

    Stored secrets are used under the same conditions as in a check, and it counts and is recorded as one.

    Raises:
        CheckFailed: the far side does not tell, as where listing is not permitted.
        Invalid: the settings are wrong, or lead where nothing may go.
        NotFound, Forbidden, Unavailable, TooOften: see `check_unsaved`.
    """
    old = await _changed_by(caller, wanted)
    block = connections.with_kept_secrets(choosing.completed(wanted, old), old)[0]
    if not choosing.fields_of(wanted.kind):
        return ChoicesView(choices={})
    async with _trial(caller, wanted, block, "choices"):
        found = await choosing.of_block(block)
    return ChoicesView(choices=dict(found.fields), left_out=dict(found.left_out))


async def build_unsaved(caller: Caller, wanted: UnsavedConnection) -> Block:
    """Return the block of settings that are not stored, with the stored secrets of the connection that they change.

    Raises:
        Invalid, NotFound, Forbidden, Unavailable.
    """
    return connections.with_kept_secrets(wanted, await _changed_by(caller, wanted))[0]


async def _changed_by(caller: Caller, wanted: UnsavedConnection) -> Block | None:
    """Return the stored block that settings would change, None where they change none."""
    old = None
    if wanted.connection is not None:
        async with caller.session() as session:
            row = await connection_repository.get(
                session, wanted.connection, viewer=caller.viewer, doing=Action.CONNECTION_CHANGE
            )
        if row.kind != wanted.kind:
            message = f"The connection '{row.name}' is of kind {row.kind}, not {wanted.kind}."
            raise Invalid.at("kind", message, "Leave `connection` out, or use its kind.")
        old = await connections.stored(row, caller.context.settings)
    return old


@dataclass
class _Trial:
    """A trial of settings that are not stored; `outcome` is what the audit trail says of its end."""

    outcome: str = "ok"


@asynccontextmanager
async def _trial(caller: Caller, wanted: UnsavedConnection, block: Block, purpose: str) -> AsyncIterator[_Trial]:
    """Let a far side be asked in the block, if it may be reached: that is counted, and recorded with where it led.

    Raises:
        Invalid: it may not be reached.
        TooOften: the caller has tested as often within the hour as a user may.
    """
    context, trial = caller.context, _Trial()

    async def begin(session: AsyncSession) -> None:
        await limits.spend(session, context, Budget.TESTS)
        used = wanted.connection or checks.UNSAVED
        audit.record_by(session, CredentialUsed(used, purpose, context.user.email), context)

    await caller.transact(begin)
    with outbound.hosts_looked_up() as hosts:

        async def record(outcome: str) -> None:
            where = ", ".join(hosts)
            await caller.transact(partial(checks.record_unsaved, wanted.kind, where, outcome, context))

        try:
            await screen(block)
            yield trial
        except MailroomError as error:
            cause = error.cause if isinstance(error, CheckFailed) else error
            await record(type(cause).__name__)
            raise
        await record(trial.outcome)
