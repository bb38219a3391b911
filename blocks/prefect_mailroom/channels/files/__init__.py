"""Share code between the channels that write files, whether to a folder here or to a server."""
