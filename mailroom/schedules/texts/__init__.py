"""The texts and paths of a schedule with their values: what a delivery says, and what a preview shows of it."""
