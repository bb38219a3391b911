"""Write the words of a mail: its subject, bodies, notices, and the line about itself."""
