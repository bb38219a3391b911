"""Templates: parts of a schedule to start others from. Three come with Mailroom, and users keep their own."""
