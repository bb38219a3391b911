"""What the audit trail says of what somebody has logged in with."""

from __future__ import annotations

from api.http.audited.origin import login_name
from mailroom.access.login import Login
from mailroom.roles import Role, Scope
from mailroom.storage.model.access import ApiKey
from mailroom.storage.model.login import WebSession
from mailroom.storage.tables import User

ADA = User(id="ada", role=Role.CREATOR)


def test_each_way_in_has_its_name() -> None:
    key, session = ApiKey(prefix="mrk_0123456789abcdef"), WebSession(id="s1", digest="secret")
    assert login_name(None) is None
    assert login_name(Login()) == "key of the installation"
    assert login_name(Login(ADA, Scope.READ, key)) == "key mrk_0123456789abcdef"
    assert login_name(Login.of(ADA, session)) == "session s1"
    assert login_name(Login.of(ADA)) == "token of the identity provider"
