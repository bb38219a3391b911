"""The local mail catcher of the embedded mode: takes every mail, sends none on, and shows them on a page."""

from embedded.mailcatcher.server import serve_mailcatcher

__all__ = ["serve_mailcatcher"]
