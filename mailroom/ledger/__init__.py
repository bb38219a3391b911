"""Every due time is accounted for: what was due is compared with the ledger, and what is missing is written into it.

`decide` is pure, `account` does it for some schedules in the caller's transaction, `watchdog` for all that need it,
`figures` proves it over a period. Occurrences while a schedule is paused, suspended or finished are not due.
"""
