"""List the events that the product is told of, and send one again."""
