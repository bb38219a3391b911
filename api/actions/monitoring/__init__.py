"""Read what the page Monitoring and the health on the page Settings show."""
