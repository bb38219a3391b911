"""Whether the condition of a schedule fits its report."""
