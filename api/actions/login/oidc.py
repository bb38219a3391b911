"""Log in at the identity provider: the authorization code flow with PKCE, state and nonce."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.login.bearer import known_by
from api.actions.login.flow import Flow, opened, sealed
from api.actions.login.sessions import Browser, LogInRefused, begin, record_failure
from api.services import Services
from mailroom.access.oidc.claims import told_by
from mailroom.access.oidc.errors import TokenRefused
from mailroom.errors import Conflict, Forbidden
from mailroom.settings import Settings
from mailroom.storage.tables import User

CALLBACK = "/login/oidc/callback"


def is_offered(settings: Settings) -> bool:
    """Tell whether browsers can log in at a provider. Pure."""
    return bool(settings.oidc_issuer and settings.oidc_client_id)


async def begin_flow(services: Services, next_: str, *, now: datetime) -> tuple[str, str]:
    """Return the address at the provider to send the browser to, and what it keeps in a cookie meanwhile.

    Raises:
        Unavailable: the provider does not answer.
    """
    settings, flow = services.settings, Flow.new(next_)
    documents = await services.provider.documents()
    asked = {
        "response_type": "code",
        "client_id": settings.oidc_client_id,
        "redirect_uri": _callback(settings),
        "scope": settings.oidc_scopes,
        "state": flow.state,
        "nonce": flow.nonce,
        "code_challenge": flow.challenge,
        "code_challenge_method": "S256",
    }
    joint = "&" if "?" in documents.authorization_endpoint else "?"
    url = f"{documents.authorization_endpoint}{joint}{urlencode(asked)}"
    return url, sealed(flow, settings.api_key.get_secret_value(), now=now)


async def end_flow(
    services: Services, *, code: str, state: str, issuer: str | None, cookie: str | None, browser: Browser
) -> tuple[str, str]:
    """Begin a session of whoever the provider says it is; return its secret, and where to go.

    Args:
        issuer: who answers, where the provider says so (RFC 9207).

    Raises:
        LogInRefused: the answer is not to a log-in that this browser began, or the user may not log in.
        Unavailable: the provider does not answer.
    """
    settings = services.settings
    flow = opened(cookie, settings.api_key.get_secret_value(), state) if cookie else None
    if flow is None or (issuer is not None and issuer != settings.oidc_issuer):
        await _failed(services, "state", browser)
        message = "This answer does not belong to a log-in that this browser has begun."
        raise LogInRefused(message, remedy="Begin again on the log-in page.")
    try:
        claims = await services.provider.exchange(
            code, verifier=flow.verifier, nonce=flow.nonce, redirect_uri=_callback(settings)
        )
        user = await known_by(services, told_by(claims, settings), now=browser.now)
    except (TokenRefused, Forbidden, Conflict) as error:
        await _failed(services, error.fault if isinstance(error, TokenRefused) else "no_account", browser)
        raise LogInRefused(error.message, remedy=error.remedy) from error
    if not user.is_active:
        await _failed(services, "disabled", browser, user)
        raise LogInRefused(f"The user {user.email} is disabled.", remedy="Ask an admin to enable the user.")

    async def change(session: AsyncSession) -> str:
        return await begin(session, services, user, "oidc", browser)

    return await services.database.transact(change), flow.next


async def _failed(services: Services, reason: str, browser: Browser, user: User | None = None) -> None:
    await record_failure(services, "oidc", reason, browser, user)


def _callback(settings: Settings) -> str:
    return f"{settings.public_url}{CALLBACK}"
