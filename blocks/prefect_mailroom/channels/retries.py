"""Say when a delivery that failed is tried again: the delays belong to its connection. Pure."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

LONGEST_DELAY = 86_400
"""Seconds that one delay may have: a day."""

MOST_DELAYS = 20


class Retries(BaseModel):
    """The delays between the tries of one delivery; `{"delays": [300, 300, 300]}` is three times 300 s."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    delays: list[int] = Field(
        description=(
            "Seconds to wait after the first, second, … failed try; 1 to 20 delays, each from 1 to 86400 (24 hours)."
        ),
    )
    then_every: int | None = Field(
        default=None,
        description=(
            "Seconds between all further tries, from 1 to 86400 (24 hours). Without it, nothing is tried again after "
            "the last of `delays`."
        ),
    )

    @field_validator("delays")
    @classmethod
    def _some_but_not_too_many(cls, delays: list[int]) -> list[int]:
        if not 1 <= len(delays) <= MOST_DELAYS:
            raise ValueError(
                f"has {len(delays)} delays; give 1 to {MOST_DELAYS}, and `then_every` for all tries after them"
            )
        for position, delay in enumerate(delays, start=1):
            if not 1 <= delay <= LONGEST_DELAY:
                raise ValueError(f"has {delay} as delay {position}; a delay is 1 to {LONGEST_DELAY} seconds (24 hours)")
        return delays

    @field_validator("then_every")
    @classmethod
    def _at_most_a_day(cls, seconds: int | None) -> int | None:
        if seconds is not None and not 1 <= seconds <= LONGEST_DELAY:
            raise ValueError(
                f"is {seconds}; give 1 to {LONGEST_DELAY} seconds (24 hours), or null for no further tries"
            )
        return seconds

    def after(self, tries: int) -> int | None:
        """Return the seconds to wait after so many failed tries, or None where no further one is made."""
        return self.delays[tries - 1] if tries <= len(self.delays) else self.then_every


STANDARD = Retries(delays=[30, 300, 1800, 7200], then_every=7200)
"""What a connection does unless it says otherwise: 30 s, 5 min, 30 min, 2 h, then every 2 h."""
