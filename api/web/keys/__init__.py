"""The pages of keys: those there are, a new one, which is shown once, and the end of one."""
