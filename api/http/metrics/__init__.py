"""Metrics for scrapers, at the root."""
