"""Finders: each says what is wrong now with one subject."""
