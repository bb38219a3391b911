"""Ask for something about a run, each on a page that says what will happen: retry, correct, run what was missed."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.actions.backfill.actions import backfill
from api.actions.executions import actions as executions
from api.actions.executions.correct import correct as correct_execution
from api.actions.executions.retry import refusal
from api.actions.executions.retry import retry as retry_execution
from api.actions.executions.views import ExecutionDetail
from api.actions.schedules import reads as schedules
from api.http.dependencies import Id
from api.http.permission import may
from api.web import notices, page
from api.web.execution import confirm
from api.web.execution.confirm import Confirmation
from api.web.forms import FormDep, by_field
from api.web.once import once
from api.web.parts import Field
from api.web.visitor import Visitor, VisitorDep
from mailroom.access.permissions import Action
from mailroom.errors import Conflict, Invalid, TooOften
from mailroom.schedules.backfill import Backfill
from mailroom.storage.database import new_id
from prefect_mailroom.errors import MailroomError

router = APIRouter(prefix="/executions/{execution_id}", include_in_schema=False)


@router.get("/retry", openapi_extra=may(Action.EXECUTION_RETRY))
async def ask_retry(execution_id: Id, visitor: VisitorDep) -> Response:
    """Say what a retry would do."""
    return await _retry_page(visitor, execution_id, await refusal(visitor.caller, execution_id))


@router.post("/retry", openapi_extra=may(Action.EXECUTION_RETRY))
async def retry(execution_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Ask for another try."""
    try:
        await once(visitor, form, lambda remember: retry_execution(visitor.caller, execution_id, remember))
    except (Conflict, TooOften) as error:
        return await _retry_page(visitor, execution_id, error)
    await notices.add(visitor, "Another try was asked for. It begins in a moment.")
    return page.see(visitor, f"/executions/{execution_id}")


async def _retry_page(visitor: Visitor, execution_id: str, error: MailroomError | None = None) -> Response:
    detail = await executions.read(visitor.caller, execution_id)
    return await _page(visitor, detail, confirm.retry(detail, visitor.when), error)


@router.get("/correct", openapi_extra=may(Action.EXECUTION_CORRECT))
async def ask_correct(execution_id: Id, visitor: VisitorDep) -> Response:
    """Say what a correction would do, and ask what was wrong."""
    return await _correct_page(visitor, execution_id)


@router.post("/correct", openapi_extra=may(Action.EXECUTION_CORRECT))
async def correct(execution_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Send a correction."""
    said = form.text("reason")
    try:
        wanted = confirm.correction_of(said)
        view = await once(
            visitor, form, lambda remember: correct_execution(visitor.caller, execution_id, wanted, remember)
        )
    except (Conflict, TooOften, Invalid) as error:
        return await _correct_page(visitor, execution_id, error, said)
    await notices.add(visitor, "The correction is on its way. This is its page.")
    return page.see(visitor, f"/executions/{view['id']}")


async def _correct_page(
    visitor: Visitor, execution_id: str, error: MailroomError | None = None, said: str = ""
) -> Response:
    detail = await executions.read(visitor.caller, execution_id)
    _require(visitor, Action.EXECUTION_CORRECT, detail)
    return await _page(visitor, detail, confirm.correction(detail, visitor.when), error, said=said)


@router.get("/run", openapi_extra=may(Action.SCHEDULE_BACKFILL))
async def ask_run(execution_id: Id, visitor: VisitorDep) -> Response:
    """Say what running a missed due time would do."""
    return await _run_page(visitor, execution_id)


@router.post("/run", openapi_extra=may(Action.SCHEDULE_BACKFILL))
async def run(execution_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Run a missed due time."""
    detail = await executions.read(visitor.caller, execution_id)
    wanted = Backfill.model_validate({"from": detail.due_at, "until": detail.due_at})
    try:
        view = await once(
            visitor, form, lambda remember: backfill(visitor.caller, detail.schedule_id, wanted, remember)
        )
    except (Conflict, TooOften, Invalid) as error:
        return await _run_page(visitor, execution_id, error)
    if not view["executions"]:
        return await _run_page(visitor, execution_id, Conflict(confirm.left_out(view["left_out"])))
    await notices.add(visitor, "It was asked for. This is its page.")
    return page.see(visitor, f"/executions/{view['executions'][0]}")


async def _run_page(visitor: Visitor, execution_id: str, error: MailroomError | None = None) -> Response:
    detail = await executions.read(visitor.caller, execution_id)
    _require(visitor, Action.SCHEDULE_BACKFILL, detail)
    schedule = await schedules.read(visitor.caller, detail.schedule_id)
    wanted = confirm.run(detail, schedule.formats, schedule.destinations, visitor.when)
    return await _page(visitor, detail, wanted, error)


def _require(visitor: Visitor, action: Action, detail: ExecutionDetail) -> None:
    """Refuse the page to who may look at the run and not do this to it, before it offers what would be refused."""
    visitor.viewer.require(action, visitor.viewer.relation_to(detail.owner))


async def _page(
    visitor: Visitor,
    detail: ExecutionDetail,
    wanted: Confirmation,
    error: MailroomError | None,
    *,
    said: str = "",
) -> Response:
    """Return the page that asks; with an error it says instead why nothing was done."""
    faults = confirm.faults_of(error)
    fields: tuple[Field, ...] = ()
    if wanted.asks_why:
        wrong = by_field(error.faults).get("reason", ()) if isinstance(error, Invalid) else ()
        fields = (confirm.reason_field(said, wrong),)
    status = (
        200 if error is None else 422 if isinstance(error, Invalid) else 429 if isinstance(error, TooOften) else 409
    )
    return await page.render(
        visitor,
        "execution/confirm.html",
        title=f"{'Error: ' if faults else ''}{wanted.heading}",
        status=status,
        wanted=wanted,
        back_to=f"/executions/{detail.id}",
        once=new_id(),
        faults=faults,
        fields=fields,
    )
