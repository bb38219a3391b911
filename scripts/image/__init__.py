"""The image without Docker: its file read, and its steps carried out in folders. Docker builds it; this tries it."""
