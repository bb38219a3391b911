"""REST for objects that are kept as code."""
