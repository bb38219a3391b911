"""What processes on several hosts agree on: one clock, and one store of rendered files."""
