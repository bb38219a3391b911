"""Define the visitor: who looks at a page, and how that person likes to see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request

from api.actions.caller import Caller
from api.http.auth import LOGIN
from api.http.browser import cookies, csrf
from api.http.browser.cookies import Cookie
from api.http.dependencies import CallerDep
from api.services import Services
from api.web.when import When, locale_of, zone_of
from mailroom.access.login import Login
from mailroom.access.permissions import Action, Relation
from mailroom.access.viewer import Viewer
from mailroom.members.preferences import Preferences, preferences_of
from mailroom.storage.tables import User


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person at a page.

    Attributes:
        caller: the first argument of every action.
        token: the token that each form carries as `csrf_token`, another text on each page; empty for a program with
            a key.
        when: words for times, as this person likes them.
        framed: whether the page stands in a frame of another product, without header and footer.
        stored_notices: the notices of the session, see `api.web.notices`.
    """

    request: Request
    caller: Caller
    token: str
    when: When
    preferences: Preferences
    framed: bool
    stored_notices: tuple[dict[str, Any], ...] = ()

    @property
    def user(self) -> User:
        """Return the person as a user."""
        return self.caller.context.user

    @property
    def viewer(self) -> Viewer:
        """Return the viewer that this person is."""
        return self.caller.viewer

    @property
    def services(self) -> Services:
        """Return the services of this process."""
        return self.caller.services

    @property
    def now(self) -> datetime:
        """Return the present, the same for the whole request."""
        return self.caller.context.now

    @property
    def name(self) -> str:
        """Return the name to show, or the address where there is no name."""
        return self.user.name or self.user.email

    @property
    def theme(self) -> str:
        """Return `auto`, `light` or `dark`."""
        return self.preferences.theme

    @property
    def density(self) -> str:
        """Return `comfortable` or `compact`."""
        return self.preferences.density

    @property
    def here(self) -> str:
        """Return the address of this page, with its query."""
        url = self.request.url
        return f"{url.path}?{url.query}" if url.query else url.path

    def may(self, action: Action, owner_id: str | None = None, *, of_thing: bool = False) -> bool:
        """Tell whether this person may do an action.

        Args:
            owner_id: the owner of the thing that it is done to.
            of_thing: whether it is done to a thing; then a missing owner means that the installation owns it.
        """
        if owner_id is None and not of_thing:
            return self.viewer.may(action)
        return self.viewer.may(action, self.viewer.relation_to(owner_id))

    def may_any(self, action: str) -> bool:
        """Tell whether there is anything to which this person may do an action, such as for a link in the header."""
        wanted = Action(action)
        return any(self.viewer.may(wanted, relation) for relation in Relation)


def visitor(request: Request, caller: CallerDep) -> Visitor:
    """Return who looks at this page."""
    login = request.scope[LOGIN]
    assert isinstance(login, Login), "the guard lets nobody in without one"
    user, secret = caller.context.user, cookies.read(request.scope, caller.services.settings, Cookie.SESSION)
    preferences = preferences_of(user.preferences)
    found = Visitor(
        request=request,
        caller=caller,
        token=csrf.masked(csrf.token_of(secret)) if secret and login.session else "",
        when=When(zone_of(user.timezone), locale_of(preferences.locale), preferences.hours == "24", caller.context.now),
        preferences=preferences,
        framed=request.query_params.get("frame") == "1",
        stored_notices=tuple(login.session.notices) if login.session else (),
    )
    request.state.visitor = found  # The page of a refusal looks like the others.
    return found


VisitorDep = Annotated[Visitor, Depends(visitor)]
