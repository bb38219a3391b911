"""Say what the pages send to browsers besides HTML: one style, two scripts, one sheet of icons and the favicon.

`python -m api.web.assets` packs them into `api/web/static`; `url` and `icon` are what templates call.
"""

from api.web.assets.packed import icon, url

__all__ = ["icon", "url"]
