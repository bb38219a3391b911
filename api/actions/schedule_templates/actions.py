"""Look at templates, keep, change, share and remove them."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller, Remember, forget
from api.actions.schedule_templates.views import TemplateView
from api.actions.view import PageView
from mailroom.access.sharing import GrantedTo
from mailroom.schedule_templates import repository as stored
from mailroom.schedule_templates import service as templates
from mailroom.schedule_templates.builtin import BUILTIN, BuiltinTemplate
from mailroom.schedule_templates.spec import TemplateSpec
from mailroom.storage.model.drafts import ScheduleTemplate
from mailroom.versions import etag_of


async def every(caller: Caller) -> PageView[TemplateView]:
    """Return the templates that come with Mailroom, then those that the caller sees, by title."""
    async with caller.session() as session:
        rows = await stored.every(session, viewer=caller.viewer)
    return PageView(items=[*(_builtin(one) for one in BUILTIN.values()), *(_view(row) for row in rows)])


async def read(caller: Caller, template_id: str) -> TemplateView:
    """Return one template.

    Raises:
        NotFound: there is none of that id.
    """
    if builtin := BUILTIN.get(template_id):
        return _builtin(builtin)
    async with caller.session() as session:
        return _view(await stored.get(session, template_id, viewer=caller.viewer))


async def create(caller: Caller, spec: TemplateSpec, remember: Remember[TemplateView] = forget) -> TemplateView:
    """Store a new template of the caller."""

    async def change(session: AsyncSession) -> TemplateView:
        view = _view(await templates.create(session, spec, caller.context))
        await remember(session, view)
        return view

    return await caller.transact(change)


async def replace(caller: Caller, template_id: str, spec: TemplateSpec, *, if_match: str | None) -> TemplateView:
    """Store a new version of a template.

    Raises:
        NotFound, Forbidden, Conflict.
    """

    async def change(session: AsyncSession) -> TemplateView:
        return _view(await templates.replace(session, template_id, spec, caller.context, if_match=if_match))

    return await caller.transact(change)


async def delete(caller: Caller, template_id: str, *, if_match: str | None = None) -> None:
    """Remove a template.

    Raises:
        NotFound, Forbidden, Conflict.
    """
    await caller.transact(lambda session: templates.delete(session, template_id, caller.context, if_match=if_match))


async def shares_of(caller: Caller, template_id: str) -> GrantedTo:
    """Return with whom a template is shared.

    Raises:
        NotFound, Forbidden, Conflict.
    """
    async with caller.session() as session:
        return await templates.shared_with(session, template_id, caller.context)


async def share(caller: Caller, template_id: str, wanted: GrantedTo) -> GrantedTo:
    """Let these use a template and nobody else.

    Raises:
        NotFound, Forbidden, Invalid, Conflict.
    """
    return await caller.transact(lambda session: templates.share(session, template_id, wanted, caller.context))


def _builtin(one: BuiltinTemplate) -> TemplateView:
    return TemplateView(
        id=one.id,
        owner=None,
        title=one.title,
        description=one.description,
        body=dict(one.body),
        etag=etag_of(1),
        created_at=None,
        updated_at=None,
    )


def _view(row: ScheduleTemplate) -> TemplateView:
    return TemplateView(
        id=row.id,
        owner=row.user_id,
        title=row.title,
        description=row.description,
        body=row.body,
        etag=templates.etag(row),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
