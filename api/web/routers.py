"""List the routers of all pages, in the order in which they are asked."""

from __future__ import annotations

from fastapi import APIRouter

from api.web import closing
from api.web.assets import serving as assets
from api.web.audit import routes as audit
from api.web.keys import routes as keys
from api.web.links import downloads, unsubscribe
from api.web.login import routes as login
from api.web.me import routes as me
from api.web.teams import routes as teams
from api.web.users import leaving as users_leaving
from api.web.users import routes as users

ROUTERS: tuple[APIRouter, ...] = (
    assets.router,
    closing.router,
    login.router,
    me.router,
    audit.router,
    users_leaving.router,
    users.router,
    teams.router,
    keys.router,
    downloads.router,
    unsubscribe.router,
)
