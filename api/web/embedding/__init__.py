"""Pages in a frame of another product: without header and footer, from link to link."""

from api.web.embedding.links import keep

__all__ = ["keep"]
