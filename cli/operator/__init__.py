"""Commands of the operator: they work on the databases themselves, so that no process has to run."""
