"""Stand-in until the assets are packed."""

from markupsafe import Markup


def url(name: str) -> str:
    """Return the address of an asset."""
    return f"/static/{name}"


def icon(name: str) -> Markup:
    """Return an icon."""
    return Markup('<svg class="icon" aria-hidden="true" width="16" height="16"><use href="{}#{}"></use></svg>').format(
        url("icons.svg"), name
    )
