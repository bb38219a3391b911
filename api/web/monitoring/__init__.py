"""The page Monitoring: is the house well? And the page of one incident."""
