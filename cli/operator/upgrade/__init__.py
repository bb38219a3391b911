"""`mailroom upgrade`: look first, then bring the tables to this version, and say the way back."""
