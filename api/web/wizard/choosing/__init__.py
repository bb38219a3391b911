"""Choose field by field between two versions: of two windows, or of a draft and its schedule."""
