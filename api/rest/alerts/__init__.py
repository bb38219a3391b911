"""REST for alerts."""
