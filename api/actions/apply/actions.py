"""Apply documents: read them, look what is there, plan, and do the plan, each document for itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.apply.doing import do
from api.actions.apply.observing import Seen, look
from api.actions.apply.results import Result, counts_of, faults_of, view
from api.actions.apply.rights import refusal_of
from api.actions.apply.views import AppliedView
from api.actions.caller import Caller
from mailroom.as_code import prune, repository
from mailroom.as_code.plan import Change, Key, Mark, Observed, Outcome, Wanted, plan
from mailroom.as_code.reading import Read, read, repeated
from mailroom.as_code.spec import ApplyRequest, Kind, ScheduleDocument
from mailroom.audit import events
from mailroom.audit import repository as audit
from mailroom.errors import Conflict, Fault, Invalid
from mailroom.storage.database import new_id
from prefect_mailroom.errors import MailroomError

_LOG = logging.getLogger(__name__)
_NOT_PRUNED = Fault(
    "", "Nothing is deleted while a document fails.", "Correct the documents, and apply again.", code="not_pruned"
)
"""An object that was renamed in the code would otherwise be gone before there is the new one."""


async def apply(caller: Caller, wanted: ApplyRequest) -> AppliedView:
    """Apply documents, or report what that would do.

    Each document is applied completely or not at all, and one that fails stops no other; whatever refers to it fails
    in its turn. A second request goes on where this one stopped, also while this one is still worked on because the
    command that sent it was killed.

    Raises:
        Conflict: more would be deleted than may be; then nothing is done.
    """
    timezone = caller.context.user.timezone
    # Half a millisecond each: too long for an event loop that others share.
    documents = await asyncio.to_thread(
        lambda: repeated([read(index, one, timezone=timezone) for index, one in enumerate(wanted.documents)])
    )
    pruned = await _pruned(caller, wanted, documents)
    seen, changes = await _planned(caller, wanted, documents)
    results = [await _result(caller, one, wanted, seen) for one in changes]
    if met := [one for one in results if one.met_another]:
        later, again = await _once_more(caller, wanted, met)
        seen = replace(seen, resolved={**seen.resolved, **later.resolved})
        results = [*(one for one in results if not one.met_another), *again]
    failed = any(one.faults for one in results)
    results += [
        Result(one, faults=[_NOT_PRUNED]) if failed else await _result(caller, one, wanted, seen) for one in pruned
    ]
    if not wanted.dry_run:
        await _record(caller, wanted, results)
        touched = [one for result in results if result.done for one in result.done.schedules]
        await asyncio.gather(*(caller.services.reconciler.settle_schedule(one) for one in touched))
    return view(wanted, results, seen)


async def _planned(caller: Caller, wanted: ApplyRequest, documents: Sequence[Read]) -> tuple[Seen, list[Change]]:
    seen = await look(caller, documents, wanted)
    changes = await asyncio.to_thread(
        plan,
        [_owned(caller, seen, one) for one in documents],
        seen.observed,
        seen.known,
        Wanted(wanted.bundle, wanted.adopt, seen.taken),
        partial(refusal_of, caller.viewer),
    )
    return seen, changes


async def _once_more(caller: Caller, wanted: ApplyRequest, met: Sequence[Result]) -> tuple[Seen, list[Result]]:
    """Look again at documents that met another change: the same documents may be applied by two at once.

    A change by a person in between is told, and not overwritten.
    """
    before = {one.change.read.index: one for one in met if one.change.read is not None}
    seen, changes = await _planned(caller, wanted, [one.change.read for one in met if one.change.read is not None])
    results = []
    for change in changes:
        assert change.read is not None, "only what is pruned has no document"
        first = before[change.read.index]
        told = first.is_stale and change.outcome is not Outcome.UNCHANGED
        results.append(first if told else await _result(caller, change, wanted, seen))
    return seen, results


async def _pruned(caller: Caller, wanted: ApplyRequest, documents: Sequence[Read]) -> list[Change]:
    if not wanted.prune:
        return []
    if broken := [one for one in documents if one.kind is None or not one.name]:
        fault = broken[0].faults[0]
        message = f"Nothing is pruned while a document cannot be read: {fault.message}"
        raise Invalid.at(f"documents.{broken[0].index}.{fault.field}", message, fault.remedy)
    async with caller.session() as session:
        marks = await repository.marks_of_bundle(session, wanted.bundle, viewer=caller.viewer)
    # A document with faults keeps its object: it is in the code, if not as it should be.
    stay: set[Key] = {(one.kind, one.name) for one in documents if one.kind is not None}
    stay |= {(kind, name) for kind, names in wanted.keep.items() for name in names}
    going = prune.to_delete(marks, stay)
    prune.refuse_too_many(wanted.bundle, going, len(marks), wanted.prune_limit)
    return [_deletion(mark) for mark in going]


def _deletion(mark: Mark) -> Change:
    there = Observed(mark.kind, mark.entity_id, {}, "", mark.digest, mark=mark)
    return Change(Outcome.DELETED, mark.kind, mark.name, observed=there)


def _owned(caller: Caller, seen: Seen, one: Read) -> Read:
    """Return a document with a fault at its owner, where there is no such user or the caller may not act for others."""
    if not isinstance(one.document, ScheduleDocument) or one.document.owner is None:
        return one
    owner = one.document.owner
    user = seen.owners.get(owner)
    if user is None:
        message = f"There is no user '{owner}' whom you may see."
        fault = Fault("owner", message, "Create the user first, or leave the owner out to own it yourself.")
        return Read(one.index, one.kind, one.name, faults=[fault])
    # `ext:` and an address may name the same user: from here on it is the address.
    document = one.document.model_copy(update={"owner": user.email})
    return Read(one.index, one.kind, one.name, document, one.normal)


async def _result(caller: Caller, change: Change, wanted: ApplyRequest, seen: Seen) -> Result:
    if change.faults:
        return Result(change, faults=change.faults)
    if change.kind is Kind.CONNECTION and change.outcome is not Outcome.DELETED and seen.trouble is not None:
        return Result(change, faults=faults_of(seen.trouble))
    if wanted.dry_run or (change.outcome is Outcome.UNCHANGED and not _marked_again(caller, change)):
        return Result(change)
    try:
        return Result(change, await do(caller, change, wanted, seen))
    except (SQLAlchemyError, OSError):
        raise  # The database is at fault, not this document: the others would fail as well.
    except MailroomError as error:
        # Its subclasses say what is wrong with the document, whoever else is there.
        return Result(change, faults=faults_of(error), met_another=type(error) is Conflict)
    except Exception:
        error_id = new_id()
        _LOG.exception("Applying the %s '%s' failed (error %s).", change.kind, change.name, error_id)
        message = f"This failed for a reason that nobody expected; the log knows it as {error_id}."
        return Result(change, faults=[Fault("", message, "Apply again; if it fails again, ask an admin.")])


def _marked_again(caller: Caller, change: Change) -> bool:
    """Tell whether an object that was changed by hand, and is as its document again, is marked as it is now."""
    assert change.kind is not None, "only a document without faults is unchanged"
    return change.by_hand and refusal_of(caller.viewer, Outcome.CHANGED, change.kind, change.observed) is None


async def _record(caller: Caller, wanted: ApplyRequest, results: Sequence[Result]) -> None:
    """Keep in the audit trail that documents were applied, and from where; each object has its own entry besides."""
    counts = counts_of(results)
    if not any(count for outcome, count in counts.items() if outcome not in (Outcome.UNCHANGED, Outcome.FAILED)):
        return
    told = {str(outcome): count for outcome, count in counts.items() if count}

    async def write(session: AsyncSession) -> None:
        audit.record_by(session, events.CodeApplied(wanted.bundle, wanted.source, told), caller.context)

    await caller.transact(write)
