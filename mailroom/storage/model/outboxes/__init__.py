"""The tables of what is told by a loop of its own, once what it tells of is committed."""
