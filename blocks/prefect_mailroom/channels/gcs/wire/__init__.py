"""Everything that imports Google's client: sessions, credentials, and the translation of their errors."""
