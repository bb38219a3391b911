"""One business calendar: its year, a change with what it would move, and its deletion."""
