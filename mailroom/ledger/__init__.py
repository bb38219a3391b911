"""Account for every due time: compare what was due with the ledger, and write into it what is missing.

`decide` is pure, `account` does it for some schedules in the caller's transaction, `watchdog` for all that need it,
`figures` proves it over a period. Occurrences while a schedule is paused, suspended or finished are not due.
"""
