"""Give a rendering the identity of the user that it is made for, where its source asks for one."""

from __future__ import annotations

from datetime import datetime

import httpx
from prefect.blocks.core import Block

from mailroom.access.identity import Identity, sign
from mailroom.reports.spec import HttpSource, ReportDefinition
from mailroom.settings import Settings
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.sources.http import HttpSource as HttpBlock


def varies_by_user(definition: ReportDefinition) -> bool:
    """Tell whether two users may see different rows of a report, so that no rendering of it is shared between them."""
    return isinstance(definition.source, HttpSource) and definition.source.as_owner


def identity_token(
    definition: ReportDefinition, source: Block, identity: Identity | None, settings: Settings, *, now: datetime
) -> str | None:
    """Return what the source is told of the user, or None where it is told nothing.

    The report and its connection have to agree. A report that keeps silent would be shown to everybody as the source
    shows it to Mailroom; one that speaks unasked would tell a stranger of our users.

    Raises:
        ConfigurationError: they do not agree, nobody is there to speak of, or there is no key to sign with.
    """
    wants = isinstance(source, HttpBlock) and source.identity
    if wants != varies_by_user(definition):
        name = definition.source.connection
        if wants:
            message = f"The connection '{name}' is only read for a user, and the report does not say for whom."
            raise ConfigurationError(message, remedy="Set `source.as_owner: true` in the report.", field="as_owner")
        message = f"The report is made for its owner, and the connection '{name}' does not take identities."
        remedy = "Set `identity: true` in the connection, or remove `as_owner` from the report."
        raise ConfigurationError(message, remedy=remedy, field="identity")
    if not wants:
        return None
    if identity is None:
        message = "This report is made for a user, and there is none here."
        raise ConfigurationError(message, remedy="Preview it, or run a schedule of it.", field="as_owner")
    assert isinstance(source, HttpBlock), "only these ask for an identity"
    host = httpx.URL(source.base_url).raw_host.decode("ascii").lower()
    return sign(identity, audience=host, issuer=settings.public_url, key=settings.identity_key, now=now)
