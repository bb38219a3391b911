"""Follow a page of the documentation: write its files, type its commands, and compare what it shows."""
