"""The SMTP server of the tests with a login by tokens, as Exchange Online has it: a token that ends is noticed."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tests.support.smtp import SmtpServer
from tests.support.token_server import MAILBOX, TokenServer


@dataclass
class TokenSmtpServer(SmtpServer):
    """Takes mails of who is logged in by a token that is good at that moment.

    Attributes:
        challenges: the answers of clients to the challenge that says why a token is refused.
    """

    tokens: TokenServer = field(default_factory=TokenServer)
    challenges: list[bytes] = field(default_factory=list)
    refusal: str = "535 5.7.3 Authentication unsuccessful"
    _by_session: dict[int, str] = field(default_factory=dict)

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802  # aiosmtpd's name.
        """Check the user and the token."""
        self.logins.append("XOAUTH2")
        user, bearer, *rest = base64.b64decode(args[1]).decode().split("\x01")
        token = bearer.removeprefix("auth=Bearer ")
        if user == f"user={MAILBOX}" and token in self.tokens.good and rest == ["", ""]:
            assert server.session is not None
            self._by_session[id(server.session)] = token
            return AuthResult(success=True, auth_data=user)
        told = json.dumps({"status": "401", "schemes": "bearer", "scope": "https://mail.google.com/"})
        await server.push(f"334 {base64.b64encode(told.encode()).decode()}")
        self.challenges.append(await server._reader.readline())
        return AuthResult(success=False, handled=False, message=self.refusal)

    async def handle_MAIL(  # noqa: N802  # aiosmtpd's name.
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a mail only as long as the token is good."""
        if self._by_session.get(id(session)) not in self.tokens.good:
            return "530 5.7.57 Client not authenticated to send mail"
        return await super().handle_MAIL(server, session, envelope, address, options)
