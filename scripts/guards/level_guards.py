"""The guards of levels and metrics: what counts, what never goes down, and who may read it."""

from __future__ import annotations

from scripts.guards.guards import Guard

_COUNTS = ("tests/integration/watching/test_counts.py",)
_METRICS = ("tests/integration/watching/test_metrics.py",)
_LEVELS = ("tests/unit/watching/test_levels.py",)

LEVEL_GUARDS = (
    Guard(
        "samples count in no level",
        "Sample data is left out of everything that is counted.",
        "mailroom/watching/counts/count.py",
        "        Execution.schedule_id.not_in(SAMPLES),\n",
        "",
        _COUNTS,
    ),
    Guard(
        "only scheduled occurrences count",
        "A test that fails misses no level.",
        "mailroom/watching/counts/count.py",
        "        Execution.kind == ExecutionKind.SCHEDULED,\n",
        "",
        _COUNTS,
    ),
    Guard(
        "a total never goes down",
        "A retry that a person asked for takes nothing away from a counter.",
        "mailroom/watching/counts/names.py",
        " in TOTALLED and number > most.get(name, 0):\n",
        " in TOTALLED:\n",
        _LEVELS,
    ),
    Guard(
        "what a person repaired was not saved by a retry",
        "Recovery counts retries that nobody had to ask for.",
        "mailroom/watching/counts/count.py",
        "                if was_troubled and not asked:\n",
        "                if was_troubled:\n",
        _COUNTS,
    ),
    Guard(
        "what a person repaired is not listed as saved by a retry",
        "The list of what recovered has what the figure counts.",
        "mailroom/executions/history/course.py",
        "and_(success, Execution.retry_requested_at.is_(None), had_trouble())",
        "and_(success, had_trouble())",
        ("tests/integration/executions/test_search.py",),
    ),
    Guard(
        "rates are judged only where there are many runs",
        "One failure of a few runs is no burn rate.",
        "mailroom/watching/levels/decide.py",
        "    if whole.total > MANY:\n",
        "    if whole.total:\n",
        _LEVELS,
    ),
    Guard(
        "a level is missed only while failures still come",
        "Failures of hours ago that have stopped alert nobody.",
        "mailroom/watching/levels/decide.py",
        "min(burn_rate(success(six_hours)), burn_rate(success(two_hours)))",
        "burn_rate(success(six_hours))",
        _LEVELS,
    ),
    Guard(
        "the scrape token opens one path",
        "Who has the scrape token reads the metrics and nothing else.",
        "api/http/auth.py",
        "return path == METRICS and self._scraper is not None and",
        "return self._scraper is not None and",
        _METRICS,
    ),
    Guard(
        "no name of a user becomes a label",
        "A channel that the code does not know is counted as another one.",
        "mailroom/watching/figures/exposition.py",
        "        label = channel if channel in CHANNELS else OTHER\n",
        "        label = channel\n",
        _METRICS,
    ),
    Guard(
        "no counter before the first count",
        "A counter that jumps from 0 to all that ever was would alert.",
        "mailroom/watching/figures/read.py",
        "    looked = totals is not None and totals.looked_until > stored.NEVER\n",
        "    looked = totals is not None\n",
        _METRICS,
    ),
)
