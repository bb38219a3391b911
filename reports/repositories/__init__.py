"""Every query lives here, one file a noun. Functions take a session and never commit."""
