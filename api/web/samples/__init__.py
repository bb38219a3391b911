"""Take the sample data away, after a page has asked."""
