"""Give the attempts through a connection their turns, over all processes: so many a second, so many at once."""
