"""Log in at Prefect's API where it wants that, as Prefect's own client does by the same variables. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping


def headers(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the header that lets a request of ours in: the user and password of a server, or the key of a cloud."""
    if auth := environment.get("PREFECT_API_AUTH_STRING", ""):
        return {"Authorization": f"Basic {base64.b64encode(auth.encode()).decode()}"}
    if key := environment.get("PREFECT_API_KEY", ""):
        return {"Authorization": f"Bearer {key}"}
    return {}
