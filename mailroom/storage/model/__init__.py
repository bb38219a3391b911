"""The base of the tables, and those of access; `tables.py` has the others."""
