"""Open the breaker of a connection that does not work, try it with a few attempts, and close it again."""
