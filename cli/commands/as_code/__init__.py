"""`mailroom apply`, `diff`, `export` and `schema`: teams, calendars, connections, reports and schedules as code."""
