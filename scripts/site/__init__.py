"""Turn the Markdown of docs/, which GitHub shows as it is, into the pages of a site."""
