"""Keep teams, calendars, connections, reports and schedules as documents in a repository; see docs/as-code.md."""
