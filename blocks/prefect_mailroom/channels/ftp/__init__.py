"""Deliver files by FTPS, explicit or implicit, and by plain FTP where the operator allows it."""
