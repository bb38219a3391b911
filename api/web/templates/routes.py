"""The pages of templates: use, keep, edit, share and delete them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.actions.schedule_templates import actions as templates
from api.actions.schedule_templates.views import TemplateView
from api.actions.schedules import reads as schedules
from api.actions.teams import actions as teams
from api.actions.users import actions as users
from api.http.dependencies import Id
from api.http.permission import may
from api.http.reading import read as read_as
from api.web import notices, page
from api.web.forms import Form, FormDep, by_field, summary
from api.web.once import once
from api.web.templates import view
from api.web.visitor import Visitor, VisitorDep
from mailroom.access.permissions import Action
from mailroom.access.sharing import GrantedTo
from mailroom.drafts.spec import FIELDS, Part
from mailroom.errors import Fault, Invalid
from mailroom.schedule_templates.spec import TemplateSpec
from mailroom.storage.database import new_id

router = APIRouter(include_in_schema=False)
_MOST = 200
"""People and teams that the page about sharing names; a template is shared with more of them by role."""


@router.get("/templates", openapi_extra=may(Action.TEMPLATE_LIST))
async def listed(visitor: VisitorDep) -> Response:
    """Show the templates as cards."""
    found = (await templates.every(visitor.caller)).items
    return await page.render(
        visitor, "templates/page.html", title="Templates", cards=view.cards(found, visitor), new="/schedules/new"
    )


@router.get("/templates/new", openapi_extra=may(Action.TEMPLATE_CREATE))
async def new(visitor: VisitorDep, schedule: Annotated[str, Query(max_length=80)]) -> Response:
    """Ask for the title of a template that is made from a schedule."""
    source = await schedules.read(visitor.caller, schedule)
    return await _form(
        visitor, "Save as template", "/templates", source.name, "", _body(source), {"schedule": source.id}
    )


@router.post("/templates", openapi_extra=may(Action.TEMPLATE_CREATE))
async def create(visitor: VisitorDep, form: FormDep) -> Response:
    """Make a template from a schedule."""
    source = await schedules.read(visitor.caller, form.text("schedule")[:80])
    body = _body(source)
    try:
        spec = _spec(form, body)
    except Invalid as error:
        hidden = {"schedule": source.id}
        return await _form(
            visitor, "Save as template", "/templates", "", "", body, hidden, form=form, faults=error.faults
        )
    made = await once(visitor, form, lambda remember: templates.create(visitor.caller, spec, remember))
    await notices.add(visitor, f"Saved as the template “{made['title']}”.")
    return page.see(visitor, "/templates")


@router.get("/templates/{template_id}/edit", openapi_extra=may(Action.TEMPLATE_CHANGE))
async def edit(template_id: Id, visitor: VisitorDep) -> Response:
    """Show the form of a template."""
    found = await _mine(visitor, template_id, Action.TEMPLATE_CHANGE)
    action, hidden = f"/templates/{found.id}/edit", {"etag": found.etag}
    return await _form(visitor, "Edit the template", action, found.title, found.description, found.body, hidden)


@router.post("/templates/{template_id}/edit", openapi_extra=may(Action.TEMPLATE_CHANGE))
async def change(template_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Save the title and the description of a template."""
    found = await _mine(visitor, template_id, Action.TEMPLATE_CHANGE)
    action, hidden = f"/templates/{found.id}/edit", {"etag": form.etag or found.etag}
    try:
        spec = _spec(form, found.body)
    except Invalid as error:
        return await _form(
            visitor, "Edit the template", action, "", "", found.body, hidden, form=form, faults=error.faults
        )
    await templates.replace(visitor.caller, template_id, spec, if_match=form.etag)
    await notices.add(visitor, f"The template “{spec.title}” is saved.")
    return page.see(visitor, "/templates")


@router.get("/templates/{template_id}/share", openapi_extra=may(Action.TEMPLATE_SHARE))
async def share(template_id: Id, visitor: VisitorDep) -> Response:
    """Show who may use a template besides its owner."""
    found = await _mine(visitor, template_id, Action.TEMPLATE_SHARE)
    shared = await templates.shares_of(visitor.caller, template_id)
    people = (await users.page(visitor.caller, team=None, cursor=None, limit=_MOST)).items
    groups = (await teams.page(visitor.caller, cursor=None, limit=_MOST)).items
    return await page.render(
        visitor,
        "templates/share.html",
        title=f"Share {found.title}",
        kept=found,
        fields=view.share_fields(shared, people, groups, found.owner),
    )


@router.post("/templates/{template_id}/share", openapi_extra=may(Action.TEMPLATE_SHARE))
async def shared(template_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Let those who are ticked use a template, and nobody else."""
    wanted = {name: list(form.many(f"{name}-")) for name in ("users", "teams", "roles")}
    await templates.share(visitor.caller, template_id, read_as(GrantedTo, wanted))
    await notices.add(visitor, "Saved who may use the template.")
    return page.see(visitor, "/templates")


@router.get("/templates/{template_id}/delete", openapi_extra=may(Action.TEMPLATE_DELETE))
async def ask_delete(template_id: Id, visitor: VisitorDep) -> Response:
    """Ask before a template is deleted, since that cannot be undone."""
    found = await _mine(visitor, template_id, Action.TEMPLATE_DELETE)
    return await page.render(visitor, "templates/delete.html", title=f"Delete {found.title}", kept=found)


@router.post("/templates/{template_id}/delete", openapi_extra=may(Action.TEMPLATE_DELETE))
async def delete(template_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Delete a template. Schedules that were made from it stay."""
    await templates.delete(visitor.caller, template_id, if_match=form.etag)
    await notices.add(visitor, "The template is deleted. Schedules that were made from it stay as they are.")
    return page.see(visitor, "/templates")


async def _mine(visitor: Visitor, template_id: str, doing: Action) -> TemplateView:
    """Return the template that the visitor wants to change.

    Raises:
        NotFound: there is none of that id for this visitor.
        Forbidden: it is not the visitor's to change.
    """
    found = await templates.read(visitor.caller, template_id)
    visitor.viewer.require(doing, visitor.viewer.relation_to(found.owner))
    return found


def _body(source: Any) -> dict[str, Any]:
    names = [name for part, names in FIELDS.items() if part is not Part.NAME for name in names]
    return {name: getattr(source, name) for name in names}


def _spec(form: Form, body: Mapping[str, Any]) -> TemplateSpec:
    wanted = {"title": form.text("title"), "description": form.text("description"), "body": dict(body)}
    if not wanted["title"]:
        raise Invalid.at("title", "Enter a title.")
    return read_as(TemplateSpec, wanted)


async def _form(
    visitor: Visitor,
    title: str,
    action: str,
    name: str,
    description: str,
    body: Mapping[str, Any],
    hidden: Mapping[str, str],
    *,
    form: Form | None = None,
    faults: list[Fault] | None = None,
) -> Response:
    wrong = by_field(faults or ())
    if form is not None:
        name, description = form.text("title"), form.text("description")
    shown = view.fields(name, description, wrong)
    return await page.render(
        visitor,
        "templates/form.html",
        title=f"{'Error: ' if wrong else ''}{title}",
        status=422 if wrong else 200,
        heading=title,
        action=action,
        fields=shown,
        lines=view.content(body),
        hidden=dict(hidden),
        once=new_id(),
        faults=summary(faults or (), [one.name for one in shown]),
    )
