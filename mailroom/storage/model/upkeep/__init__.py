"""The tables of what looks after the others."""
