"""REST for what the product is told of."""
