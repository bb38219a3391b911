"""Logging in by OAuth 2.0: the settings, the requests for tokens, and the tokens that this process has."""
