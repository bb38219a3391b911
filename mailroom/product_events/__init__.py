"""Signed events for the product that Mailroom works for."""
