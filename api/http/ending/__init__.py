"""How a process ends in good order."""
