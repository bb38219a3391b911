"""The page of what one was told, the list below the bell, and the choice of what to be told."""
