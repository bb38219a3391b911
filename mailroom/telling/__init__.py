"""Tell people at set times, by the daily digest and the weekly summary, and tell readers whose report is late."""
