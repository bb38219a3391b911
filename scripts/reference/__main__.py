"""Write every page of the reference that is made from the code, and remove those that are made no longer."""

from __future__ import annotations

from scripts.reference.pages import DOCS, pages, stray

if __name__ == "__main__":
    for path, text in pages().items():
        target = DOCS / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    for left_over in stray():
        left_over.unlink()
