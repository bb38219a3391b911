"""Share code between the channels that write objects: S3, Azure Blob Storage and Google Cloud Storage."""
