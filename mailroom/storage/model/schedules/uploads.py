"""The columns of a delivery that tell how far a large upload is."""

from __future__ import annotations

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column


class UploadProgress:
    """The bytes of an upload that have left, and all of its bytes; empty for a channel that tells nothing.

    See `executions/history/upload_progress`.
    """

    sent_bytes: Mapped[int | None] = mapped_column(BigInteger)
    total_bytes: Mapped[int | None] = mapped_column(BigInteger)
