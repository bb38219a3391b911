"""A connection's settings show that a secret is set, and nothing of it, in whatever shape it is kept."""

from __future__ import annotations

from typing import Any

import pytest
from prefect.types import SecretDict
from pydantic import SecretStr

from mailroom.connections import service
from prefect_mailroom.sources.shell import ShellSource


@pytest.mark.parametrize(
    ("annotation", "secret"),
    [
        (SecretStr, True),
        (SecretStr | None, True),
        (dict[str, SecretStr], True),
        (list[SecretStr], True),
        (SecretDict, True),
        (str, False),
        (dict[str, str], False),
        (ShellSource.model_fields["environment"].annotation, True),
        (ShellSource.model_fields["allowed_programs"].annotation, False),
    ],
)
def test_security_37_a_setting_that_holds_secrets_is_known(annotation: Any, secret: bool) -> None:
    assert service._is_secret(annotation) is secret


def test_security_37_no_part_of_a_mapping_of_secrets_is_shown() -> None:
    shown = service._hidden({"TOKEN": "canary", "LIST": ["canary"], "NONE": None})
    assert shown == {"TOKEN": {"secret": True}, "LIST": [{"secret": True}], "NONE": None}
