"""Do what SQLite alone needs: tell who holds its write lock, and send statements by one hop."""
