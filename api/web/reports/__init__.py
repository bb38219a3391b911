"""The catalog of reports."""
