"""Charts that the server draws: numbers become the geometry of an SVG, with the finding in words and a table."""

from api.web.charts.draw import bars, lines
from api.web.charts.model import Bar, Chart, Line, Series, Text

__all__ = ["Bar", "Chart", "Line", "Series", "Text", "bars", "lines"]
