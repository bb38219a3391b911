"""One set of checks of all parts, each decided in one place. `/readyz`, `mailroom doctor` and the incidents read it."""
