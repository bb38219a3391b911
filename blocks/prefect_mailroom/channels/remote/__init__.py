"""Files delivered to a folder on another machine: what every protocol for files has in common."""
