"""The occurrence strip: what became of each due time, at a glance.

`image` draws it for a row of a list, `page` as the links of a schedule's page.
"""

from api.web.strip.draw import image, label, page
from api.web.strip.model import TO_COME, Item, Mark, Occurrence, Path, StripImage, StripList
from api.web.strip.shapes import shape

__all__ = [
    "TO_COME",
    "Item",
    "Mark",
    "Occurrence",
    "Path",
    "StripImage",
    "StripList",
    "image",
    "label",
    "page",
    "shape",
]
