"""Figures: one snapshot of how the installation does, for `/metrics` and for `GET /stats`."""
