"""What SQLite alone needs: who holds its write lock, and statements by one hop."""
