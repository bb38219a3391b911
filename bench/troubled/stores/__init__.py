"""The stores of the troubled hour: S3, Azure Blob Storage and Google Cloud Storage, with a bad server before them."""
