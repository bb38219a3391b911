"""Complete the OpenAPI document with what FastAPI does not work out by itself."""
