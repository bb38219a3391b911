"""Make views of rendered files."""

from __future__ import annotations

from api.actions.artifacts.views import ArtifactView
from mailroom.storage.tables import Artifact


def artifact_view(row: Artifact) -> ArtifactView:
    """Return a file with its download link."""
    return ArtifactView(
        id=row.id,
        filename=row.filename,
        format=row.format,
        media_type=row.media_type,
        size=row.size,
        rows=row.rows,
        sha256=row.sha256,
        expires_at=row.expires_at,
        download=f"/api/v1/artifacts/{row.id}/download",
    )
