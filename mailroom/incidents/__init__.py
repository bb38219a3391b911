"""Keep the incidents: all that is or was wrong, from when to when, each told once."""
