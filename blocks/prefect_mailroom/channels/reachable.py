"""See whether a far side is there, without a delivery; what a channel may do while its connection does not work."""

from __future__ import annotations

from prefect_mailroom.channels.steps import Steps


class Reachable:
    """The part of a channel that looks whether its far side is there. A channel that cannot tell cheaply leaves it."""

    async def reach(self, steps: Steps, *, seconds: float) -> bool:
        """Try as cheaply as possible whether the far side is there: connect, log in if it asks for that, and leave.

        It is asked every few seconds while the connection does not work, so it delivers and writes nothing. Whatever
        sends a credential is a step `login`: one that fails is not repeated so soon, since that could lock the account.
        By default there is no such step.

        Args:
            steps: is told each step as it is tried.
            seconds: how long it may take at most.

        Returns:
            Whether there is such a step; then the far side is there.

        Raises:
            ConfigurationError, RetryLater: it is not, or does not let us in; see `errors.py`.
        """
        return False
