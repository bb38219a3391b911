"""The environment of passes, with its real mail server, for what is told."""

from __future__ import annotations

from tests.integration.passes.conftest import environment, mail_server

__all__ = ["environment", "mail_server"]
