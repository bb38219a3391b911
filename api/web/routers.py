"""List the routers of all pages, in the order in which they are asked."""

from __future__ import annotations

from fastapi import APIRouter

from api.web import closing
from api.web.account import routes as account
from api.web.assets import serving as assets
from api.web.execution import asking as execution_asking
from api.web.execution import routes as execution
from api.web.executions import routes as executions
from api.web.links import downloads, unsubscribe
from api.web.login import routes as login

ROUTERS: tuple[APIRouter, ...] = (
    assets.router,
    closing.router,
    login.router,
    account.router,
    executions.router,
    execution_asking.router,
    execution.router,
    downloads.router,
    unsubscribe.router,
)
