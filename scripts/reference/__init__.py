"""Write the reference in docs/ from the code: `make docs`. A test says when a page is not as it is made."""
