"""Objects in buckets of Amazon S3 and of stores that speak its protocol."""
