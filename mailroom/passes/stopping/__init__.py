"""Let an execution wait while a stop keeps it from leaving."""
