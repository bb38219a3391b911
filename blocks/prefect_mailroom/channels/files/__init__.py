"""What channels that write files have in common, whether to a folder here or to a server."""
