"""Talk with S3 and STS: who signs, what sends, and what their answers mean."""
