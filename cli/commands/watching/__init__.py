"""Commands about what is wrong, and who is told of it."""
