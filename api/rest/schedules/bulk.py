"""REST for doing the same to many schedules."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Response
from pydantic import Field

from api.actions.schedules.bulk import BulkAction, BulkItem, BulkOutcome, BulkRequest, BulkResult
from api.actions.schedules.bulk import bulk as act
from api.actions.view import View
from api.http.bodies import DocumentedAs, examples
from api.http.dependencies import CallerDep
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import Problem, documented, problem_of, unexpected_problem
from api.http.reading import read as read_as
from mailroom.access.permissions import Action

router = APIRouter(prefix="/schedules", tags=["schedules"], route_class=JsonRoute)


class BulkItemView(View):
    """The result for one schedule; in a dry run, the result that it would have."""

    id: str
    name: str = Field(description="The schedule's name; empty if the schedule does not exist.")
    outcome: BulkOutcome
    execution_id: str | None = Field(description="The execution that the action `run` created.")
    problem: Problem | None = Field(description="The reason if the action failed.")


class BulkView(View):
    """The results of a bulk action; `matched` = `done` + `unchanged` + `failed`."""

    action: BulkAction
    dry_run: bool
    matched: int
    done: int
    unchanged: int
    failed: int
    items: list[BulkItemView]


@router.post(
    "/bulk", response_model=BulkView, responses=documented(400, 409, 422), openapi_extra=may(Action.SCHEDULE_BULK)
)
async def bulk(
    body: Annotated[
        dict[str, Any],
        DocumentedAs(BulkRequest),
        Body(
            openapi_examples=examples(
                pause_two={"action": "pause", "ids": ["3f0c…", "9a1e…"]},
                count_first={"action": "delete", "filter": {"report_id": "sales-by-region"}, "dry_run": True},
                give_to_another_owner={"action": "reassign", "filter": {"state": "suspended"}, "to": "ext:ada"},
                resume_all_that_were_suspended={"action": "resume", "filter": {"state": "suspended"}},
            )
        ),
    ],
    caller: CallerDep,
    once: OnceDep,
) -> Response:
    """Pause, resume, run, delete, undelete or reassign many schedules, by ids or by the filters of the list.

    `undelete` takes ids, since the list leaves deleted schedules out.

    Each schedule is changed separately. If one fails, the reason is given and the others go on. `dry_run` changes
    nothing.
    If a request breaks off, repeat it with the same `Idempotency-Key`, and it continues where it stopped.
    """
    wanted = read_as(BulkRequest, body)
    return await once.perform(lambda remember: act(caller, wanted, remember, once.parts()), _answer)


def _answer(result: BulkResult) -> Answer:
    view = BulkView(
        action=result.action,
        dry_run=result.dry_run,
        matched=len(result.items),
        done=result.count(BulkOutcome.DONE),
        unchanged=result.count(BulkOutcome.UNCHANGED),
        failed=result.count(BulkOutcome.FAILED),
        items=[_item(item) for item in result.items],
    )
    return Answer(200, view)


def _item(item: BulkItem) -> BulkItemView:
    path = f"/api/v1/schedules/{item.id}"
    problem = problem_of(item.error, path) if item.error else None
    if item.error_id:
        problem = unexpected_problem(path, item.error_id)
    return BulkItemView(
        id=item.id, name=item.name, outcome=item.outcome, execution_id=item.execution_id, problem=problem
    )
