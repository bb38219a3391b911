"""Fuzz the API as one caller until enough requests were sent, and keep what the checks say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import schemathesis
from schemathesis.engine import Status, events, from_schema

from bench.fuzz.config import configured
from bench.fuzz.data import Caller

SHORT, LONG = ("examples",), ("examples", "coverage", "fuzzing", "stateful")
_TOLD = 30


@dataclass
class Found:
    """The results of the requests of one caller. `failures` has each kind of failure once, with how to see it again."""

    caller: str
    requests: int = 0
    rounds: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    operations: set[str] = field(default_factory=set)
    checks: Counter[str] = field(default_factory=Counter)
    failures: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def take(self, event: events.ScenarioFinished) -> None:
        """Count a scenario, and keep the first failure of each kind."""
        recorder = event.recorder
        for case_id, exchange in recorder.interactions.items():
            self.requests += 1
            self.operations.add(recorder.cases[case_id].value.operation.label)
            if exchange.response is None:
                self._failed("answers", recorder.label, "No answer came.", exchange.request.uri)
            else:
                self.statuses[exchange.response.status_code] += 1
        for case_id, nodes in recorder.checks.items():
            label = recorder.cases[case_id].value.operation.label
            for node in nodes:
                self.checks[node.name] += 1
                if node.status is Status.ERROR:
                    self._failed(node.name, label, "The check itself failed.", "")
                elif node.failure_info is not None:
                    failure = node.failure_info.failure
                    self._failed(node.name, label, failure.title, f"{failure.message}\n{node.failure_info.code_sample}")

    def _failed(self, check: str, operation: str, title: str, told: str) -> None:
        # The status belongs to what makes two failures different: it is in the message of most checks.
        self.failures.setdefault((check, operation, f"{title}: {told.splitlines()[0] if told else ''}"[:200]), told)


def fuzz(
    url: str,
    caller: Caller,
    *,
    new_key: Callable[[], str],
    known: Sequence[str],
    requests: int,
    seed: int,
    examples: int,
    phases: Sequence[str] = LONG,
) -> Found:
    """Send requests in rounds, each with a new key and seed, until there were this many."""
    found = Found(caller.name)
    while found.requests < requests:
        # What is listed once needs to be sent once only.
        now = phases if found.rounds == 0 else [name for name in phases if name in ("fuzzing", "stateful")]
        before = found.requests
        config = configured(url, key=new_key(), known=known, seed=seed + found.rounds, examples=examples, phases=now)
        schema = schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json", config=config)
        stream = from_schema(schema).execute()
        for event in stream:
            if isinstance(event, events.ScenarioFinished):
                found.take(event)
            elif isinstance(event, events.NonFatalError | events.FatalError):
                found.failures[("schemathesis", getattr(event, "label", ""), type(event).__name__)] = str(event)
            if found.requests >= requests:
                stream.stop()
        found.rounds += 1
        if found.requests == before:
            found.failures[("schemathesis", "", "No request was sent.")] = "The document has no operation to ask."
            break
    return found
