"""Do the same to many schedules of the list: at once where it can be undone, and else after a page has asked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import parse_qsl

from fastapi import APIRouter, Response

from api.actions.caller import Remember
from api.actions.schedules.bulk import BulkAction, BulkOutcome, BulkRequest, bulk
from api.actions.schedules.home.chosen import asking
from api.actions.schedules.home.report import BulkReport, kept_report, report_of
from api.actions.users import actions as users
from api.http.permission import may
from api.http.reading import read as read_as
from api.web import notices, page
from api.web.forms import Form, FormDep
from api.web.once import once, parts
from api.web.parts import Button, Link
from api.web.schedules.asked import HERE, read_asked, today_of
from api.web.schedules.saying import Undo, confirm, done_words, result
from api.web.visitor import Visitor, VisitorDep
from mailroom.access.permissions import Action
from mailroom.errors import Fault, Invalid, NotFound
from mailroom.members import notices as kept
from mailroom.roles import Role
from mailroom.storage.database import new_id

router = APIRouter(include_in_schema=False)

UNDO = timedelta(minutes=10)
SHOWN = 20
_ACTIONS: dict[str, BulkAction] = {
    "pause": "pause",
    "resume": "resume",
    "run": "run",
    "delete": "delete",
    "reassign": "reassign",
    "undelete": "undelete",
}
_ASKS = {"run", "reassign"}
_PAGE, _MOST_USERS = 200, 1_000


@router.get("/schedules/bulk", openapi_extra=may(Action.SCHEDULE_LIST))
async def home(visitor: VisitorDep) -> Response:
    """Lead to the list: whose session ended on the page that asks comes back to this address."""
    return page.see(visitor, HERE)


@router.post("/schedules/bulk", openapi_extra=may(Action.SCHEDULE_BULK))
async def act(visitor: VisitorDep, form: FormDep) -> Response:
    """Do what was chosen to what is ticked, or to all that match the filter."""
    action, ids = _ACTIONS.get(form.text("action")), form.many("ids-")
    if action is None:
        return await _back(visitor, form, "Choose what to do with the schedules that are ticked.")
    if not ids and not form.has("all"):
        return await _back(visitor, form, "Tick at least one schedule first.")
    if action in _ASKS and not form.has("confirmed"):
        return await _ask(visitor, form, action)
    if action == "reassign" and not form.text("to"):
        return await _ask(visitor, form, action, [Fault("to", "Choose who shall own them.")])
    try:
        wanted = _wanted(visitor, form, action)
        return await _do(visitor, form, wanted)
    except Invalid as error:
        said = " ".join(f"{fault.message} {fault.remedy}".strip() for fault in error.faults)
        return await _back(visitor, form, said)


@router.post("/schedules/bulk/undo", openapi_extra=may(Action.SCHEDULE_BULK))
async def undo(visitor: VisitorDep, form: FormDep) -> Response:
    """Undo what a bulk action did to each schedule that it changed."""
    done = (await kept_report(visitor.caller, form.text("of"))).of(BulkOutcome.DONE)
    back = {"pause": "resume", "resume": "pause", "delete": "undelete"}
    found: list[BulkReport] = []
    for number, one in enumerate(Undo.of(form.text("what"), back, done)):
        body = {"action": one.action, "ids": list(one.ids), "to": one.to or None}
        wanted = read_as(BulkRequest, body)
        found.append(await _once(visitor, _keyed(form, str(number)), wanted))
    whole = BulkReport(action=found[0].action, items=[item for one in found for item in one.items]) if found else None
    await _close(visitor, form.text("of"))
    if whole is not None:
        failed = len(whole.of(BulkOutcome.FAILED))
        said = "Undone." if not failed else f"Undone, but for {failed}: open them to see why."
        await notices.add(visitor, said, tone="warn" if failed else "ok")
    return page.see(visitor, form.text("back") or HERE)


@router.get("/schedules/bulk/{key}", openapi_extra=may(Action.SCHEDULE_BULK))
async def show(key: str, visitor: VisitorDep) -> Response:
    """Show what a bulk action did to each schedule."""
    shown = result(await kept_report(visitor.caller, key))
    return await page.render(visitor, "schedules/result.html", title=shown.heading, v=shown)


async def _close(visitor: Visitor, key: str) -> None:
    """Close the notice that offered to undo this: it would undo something else now."""
    session_id = visitor.caller.session_id
    offers = [one for one in visitor.stored_notices if one.get("undo")]
    ids = {one["id"] for one in offers if one["undo"]["values"].get("of") == key}
    if ids and session_id is not None:
        await visitor.caller.transact(lambda session: kept.remove(session, session_id, ids))


async def _close_offers(visitor: Visitor, changed: set[str]) -> None:
    """Close the notices that offer to undo what was done to these schedules before: it would undo this as well."""
    session_id, ids = visitor.caller.session_id, set()
    for one in visitor.stored_notices:
        offer = one.get("undo") or {}
        values, action = offer.get("values", {}), str(offer.get("action", ""))
        if "of" in values:
            try:
                touched = {item.id for item in (await kept_report(visitor.caller, values["of"])).items}
            except NotFound:
                touched = changed  # What it would undo is not kept any longer.
        else:
            touched = {part for part in action.split("/") if part in changed}
        if touched & changed:
            ids.add(one["id"])
    if ids and session_id is not None:
        await visitor.caller.transact(lambda session: kept.remove(session, session_id, ids))


async def _do(visitor: Visitor, form: Form, wanted: BulkRequest) -> Response:
    keyed = _keyed(form)
    report = await _once(visitor, keyed, wanted)
    key = f"page-{keyed.once}"[:200]
    if report.of(BulkOutcome.FAILED) or not report.items:
        return page.see(visitor, f"/schedules/bulk/{key}")
    values = {"of": key, "what": wanted.action, "back": form.text("back"), "key": f"undo-{key}"}
    undoable = wanted.action != "run" and bool(report.of(BulkOutcome.DONE))
    await _close_offers(visitor, {item.id for item in report.of(BulkOutcome.DONE)})
    until = timedelta(seconds=visitor.services.settings.undo_delete_seconds) if wanted.action == "delete" else UNDO
    await notices.add(
        visitor,
        done_words(report),
        undo=Button("/schedules/bulk/undo", "Undo", values, "undo-2") if undoable and until else None,
        until=visitor.now + until if undoable and until else None,
        link=Link(f"/schedules/bulk/{key}", "Show each"),
    )
    return page.see(visitor, form.text("back") or HERE)


async def _once(visitor: Visitor, form: Form, wanted: BulkRequest) -> BulkReport:
    """Do it, or return what it did before for the same form."""

    async def action(remember: Remember[BulkReport]) -> BulkReport:
        done = await bulk(
            visitor.caller,
            wanted,
            lambda session, found: remember(session, report_of(found)),
            parts(visitor, form),
            everything=True,
        )
        return report_of(done)

    return BulkReport.model_validate(await once(visitor, form, action))


def _keyed(form: Form, more: str = "") -> Form:
    """Return the form with a key that is another one for other input: Back shows an old page with an old key."""
    sent = [(name, value) for name, value in form.pairs if name not in {"csrf_token", "key"}]
    digest = hashlib.sha256(repr(sent).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    given = "".join(one for one in form.text("key") if one.isalnum() or one == "-")[:100] or new_id()
    return Form((*sent, ("once", f"{given}-{digest}{more}")))


def _wanted(visitor: Visitor, form: Form, action: BulkAction) -> BulkRequest:
    body: dict[str, object] = {"action": action}
    if action == "reassign" and form.text("to"):
        body["to"] = form.text("to")
    if form.has("all"):
        asked = read_asked(dict(parse_qsl(form.text("filter"))))
        today = today_of(visitor.now, visitor.when.zone)
        return read_as(BulkRequest, {**body, "filter": asked.filter(visitor.user.id, today).model_dump()})
    return read_as(BulkRequest, {**body, "ids": list(form.many("ids-"))})


async def _ask(visitor: Visitor, form: Form, action: BulkAction, faults: Sequence[Fault] = ()) -> Response:
    """Ask before something leaves the house, or changes hands."""
    wanted = _wanted(visitor, form, action)
    found = await asking(visitor.caller, wanted, shown=SHOWN)
    if not found.chosen.count:
        return await _back(visitor, form, "None of them is there any more.")
    offered = await _owners(visitor) if action == "reassign" else []
    values = [(name, value) for name, value in form.pairs if name in {"ids-", "all", "filter", "back"}]
    shown = confirm(found, action, visitor, offered, faults, back=form.text("back") or HERE)
    status = 422 if faults else 200
    return await page.render(
        visitor,
        "schedules/confirm.html",
        title=shown.heading,
        status=status,
        v=shown,
        values=[*values, ("action", action), ("confirmed", "yes"), ("key", new_id())],
    )


async def _owners(visitor: Visitor) -> list[tuple[str, str]]:
    """Return the id and the name of everybody who may own schedules."""
    found: list[tuple[str, str]] = []
    cursor: str | None = None
    while len(found) < _MOST_USERS:
        one = await users.page(visitor.caller, team=None, cursor=cursor, limit=_PAGE)
        active = [user for user in one.items if user.is_active and user.role is not Role.VIEWER]
        found += [(user.id, f"{user.name} ({user.email})" if user.name else user.email) for user in active]
        cursor = one.next_cursor
        if cursor is None:
            break
    return found


async def _back(visitor: Visitor, form: Form, said: str) -> Response:
    await notices.add(visitor, said, tone="warn")
    return page.see(visitor, form.text("back") or HERE)
