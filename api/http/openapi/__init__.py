"""What the OpenAPI document says besides what FastAPI works out."""
