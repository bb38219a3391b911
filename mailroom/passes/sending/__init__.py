"""Begin the attempts of a pass when it is their turn, and tell breakers how they ended."""
