"""The page Settings: the rules of the installation, who is told of what is wrong, and how each part is."""
