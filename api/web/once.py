"""Do what a form asks for at most once: a double click, or a reload of a sent form, gets the first answer again."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import orjson

from api.actions.caller import Parts, Remember
from api.http.idempotency import Answer, Once
from api.web.forms import Form
from api.web.visitor import Visitor

Result = TypeVar("Result")


LIST = "key"
"""The key of a whole list that is a form: with the address of one of its buttons it is the key of that button."""


def _once(visitor: Visitor, form: Form, *, in_list: bool = False) -> Once:
    digest = hashlib.sha256(f"page {visitor.request.url.path}\n".encode())
    for name, value in form.pairs:
        if name != "csrf_token":
            digest.update(f"{name}={value}\n".encode("utf-8", "surrogatepass"))
    sent = form.once or (f"{form.text(LIST)}-{visitor.request.url.path}" if in_list and form.has(LIST) else "")
    key = f"page-{sent}" if sent and sent.isascii() and sent.isprintable() else None
    return Once(visitor.caller, key[:200] if key else None, digest.hexdigest())


async def once(
    visitor: Visitor,
    form: Form,
    action: Callable[[Remember[Result]], Awaitable[Result]],
    *,
    in_list: bool = False,
) -> Mapping[str, Any]:
    """Run an action, or return what it returned before for the key of this form.

    Args:
        in_list: whether the key may be that of a list with many buttons, see `LIST`.

    Returns:
        the view that the action returned, as JSON, the same for the first time and for repeats.

    Raises:
        Conflict: the first one is still being worked on.
        Refusal: 422, the key was used with another form.
    """
    answer = await _once(visitor, form, in_list=in_list).perform(action, lambda view: Answer(200, view))
    found = orjson.loads(bytes(answer.body))
    assert isinstance(found, dict), "actions return views"
    return found


def parts(visitor: Visitor, form: Form) -> Parts:
    """Return the memory of the parts of a form's work, for an action that does them one by one."""
    return _once(visitor, form).parts()
