"""Find what is wrong with the parts that Mailroom works with, by what all processes have seen of them."""
