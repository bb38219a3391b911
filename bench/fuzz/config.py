"""Sets Schemathesis up. A check is changed only with its reason beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemathesis.config import SchemathesisConfig

CHECKS: dict[str, Any] = {
    # Prefect is down, so 503 with Retry-After is the right answer where a secret is stored. 501 is the documented
    # answer for a channel that is not there yet, and 502 that for a test whose end nobody knows.
    "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "501", "502", "503"]},
    # What the document cannot say is 422: a report that does not exist, SQL that is none, dates that never come. 410
    # and 412 come from what happened before, 501 from channels that are promised.
    "positive_data_acceptance": {
        "expected-statuses": ["2xx", "304", "400", "401", "403", "404", "409", "410", "412", "422", "501", "502", "503"]
    },
    # A query's "true" is as good as true, and a body of another version or of nobody's is told first.
    "negative_data_rejection": {
        "expected-statuses": ["400", "401", "403", "404", "405", "409", "410", "412", "413", "415", "422", "501", "503"]
    },
}


def configured(
    url: str,
    *,
    key: str,
    known: Sequence[str],
    seed: int,
    examples: int,
    phases: Sequence[str],
) -> SchemathesisConfig:
    """Return the configuration of one round for whoever has this key."""
    return SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "suppress-health-check": ["all"],
            "base-url": url,
            "headers": {"Authorization": f"Bearer {key}"} if key else {},
            "request-timeout": 60,
            "continue-on-failure": True,
            "dictionaries": {"known": {"values": list(known)}},
            "generation": {
                "deterministic": True,
                "no-shrink": True,
                "database": "none",
                "max-examples": examples,
                # Real ids at every place where a text is asked for, so that there is something to find there.
                "dictionaries": {"string": {"dictionary": "known", "probability": 0.2}},
            },
            "phases": {
                "examples": {"enabled": "examples" in phases, "fill-missing": True},
                **{name: {"enabled": name in phases} for name in ("coverage", "fuzzing", "stateful")},
            },
            "checks": CHECKS,
        }
    )
