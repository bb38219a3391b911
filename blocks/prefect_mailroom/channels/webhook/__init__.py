"""Signed HTTP requests after Standard Webhooks."""
