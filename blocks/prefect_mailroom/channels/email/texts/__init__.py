"""What a mail says: subject, bodies, notices, and the line about itself."""
