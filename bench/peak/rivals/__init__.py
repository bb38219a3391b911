"""What else could have carried the same work, on the same machine, through the same renderers and mail server."""
