"""What the product is told of."""
