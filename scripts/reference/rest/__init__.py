"""Write the pages of REST from the OpenAPI document."""
