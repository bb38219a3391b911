"""Define what the API answers about artifacts, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.actions.view import View


class ArtifactView(View):
    """One rendered file."""

    id: str
    filename: str
    format: str
    media_type: str
    size: int = Field(description="Bytes.")
    rows: int | None
    sha256: str
    expires_at: datetime
    download: str = Field(description="The address to download the file from, until it expires.")
