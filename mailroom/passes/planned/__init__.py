"""Keep to one plan: every recipient of an execution gets what its first pass planned."""
