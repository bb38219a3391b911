"""Say what became of each document. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.actions.apply.doing import Done
from api.actions.apply.observing import Seen
from api.actions.apply.views import AppliedDocument, AppliedView, DifferenceView, DocumentFault
from mailroom.as_code.plan import Change, Outcome
from mailroom.as_code.spec import ApplyRequest, Kind
from mailroom.errors import Conflict, Fault, Invalid, Unavailable
from prefect_mailroom.errors import MailroomError


@dataclass(frozen=True, slots=True)
class Result:
    """Tell what became of one change; `faults` say why nothing did.

    `met_another` says that what is there had changed since it was looked at.
    """

    change: Change
    done: Done | None = None
    faults: Sequence[Fault] = ()
    met_another: bool = False

    @property
    def is_stale(self) -> bool:
        """Tell whether it was changed between look and deed."""
        return any(one.code == "stale" for one in self.faults)


def faults_of(error: MailroomError) -> list[Fault]:
    """Return an error of a service as faults of the document."""
    if isinstance(error, Invalid):
        return [_placed(fault) for fault in error.faults]
    if isinstance(error, Conflict) and error.stale:
        message = "Somebody has changed it while it was applied."
        return [Fault("", message, "Look at the difference, and apply again.", code="stale")]
    remedy = error.remedy if not isinstance(error, Unavailable) else f"{error.remedy} Then apply again.".strip()
    more = [Fault("", str(one), "") for one in getattr(error, "faults", ())]
    return [Fault("", error.message, remedy, code=error.code), *more]


def _placed(fault: Fault) -> Fault:
    field = "owner" if fault.field == "to" else f"spec.{fault.field}" if fault.field else "spec"
    return Fault(field, fault.message, fault.remedy, code=fault.code)


def counts_of(results: Sequence[Result]) -> dict[Outcome, int]:
    """Count the documents by what became of them."""
    outcomes = [_outcome(one) for one in results]
    return {outcome: outcomes.count(outcome) for outcome in Outcome}


def _outcome(result: Result) -> Outcome:
    return Outcome.FAILED if result.faults else result.change.outcome


def view(wanted: ApplyRequest, results: Sequence[Result], seen: Seen) -> AppliedView:
    """Return what is answered."""
    counts = {str(outcome): count for outcome, count in counts_of(results).items()}
    items = [_item(one, seen) for one in results]
    return AppliedView(bundle=wanted.bundle, dry_run=wanted.dry_run, **counts, items=items)


def _item(result: Result, seen: Seen) -> AppliedDocument:
    change = result.change
    there = change.observed.entity_id if change.observed else None
    is_connection = change.kind is Kind.CONNECTION and change.read is not None
    resolved = seen.resolved.get(change.name) if is_connection else None
    return AppliedDocument(
        index=change.read.index if change.read else None,
        kind=change.kind,
        name=change.name,
        outcome=_outcome(result),
        id=result.done.entity_id if result.done else there,
        differences=[
            DifferenceView(field=place, before=before, after=after)
            for place, (before, after) in change.differences.items()
        ],
        by_hand=change.by_hand,
        missing_secrets=list(resolved.missing) if resolved else [],
        errors=[DocumentFault.model_validate(one) for one in result.faults],
    )
