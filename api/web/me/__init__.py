"""The page of what is one's own: how pages look, the password, and where one is logged in."""
