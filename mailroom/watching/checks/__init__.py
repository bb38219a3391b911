"""Check all parts, each in one place. `/readyz`, `mailroom doctor` and the incidents read the same checks."""
