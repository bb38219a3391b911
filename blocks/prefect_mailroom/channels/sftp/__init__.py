"""Files to an SFTP server."""
