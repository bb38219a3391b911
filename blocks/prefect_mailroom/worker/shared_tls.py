"""Share the TLS contexts of Prefect's clients within a process."""

from __future__ import annotations

import functools
import ssl
from types import SimpleNamespace

import prefect.client.orchestration

_context = functools.cache(ssl.create_default_context)


def share_tls_contexts() -> None:
    """Use one TLS context for all clients of Prefect with the same certificates, until the process ends.

    Each takes 15 ms and 0.7 MB to make, also for a server that is reached without TLS. A child of the warm worker makes
    six, and the API one for each request that needs Prefect. Calling it again changes nothing.
    """
    # In Prefect's module alone: contexts that others make may be changed by them.
    names = {name: getattr(ssl, name) for name in ("SSLContext", "CERT_NONE")}
    stand_in = SimpleNamespace(create_default_context=_context, **names)
    setattr(prefect.client.orchestration, "ssl", stand_in)  # noqa: B010  Not public to mypy.
