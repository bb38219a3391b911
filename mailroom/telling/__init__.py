"""What people are told at set times: the daily digest, the weekly summary, and readers whose report is late."""
