"""Objects in Google Cloud Storage: written once, by a workload identity, an impersonated account or a key."""
