"""Build docs/ as HTML by `make site`: Sphinx with MyST, every warning an error, and nothing from another host."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

project = "Mailroom"
html_title = "Mailroom"
extensions = ["myst_parser", "scripts.site.extension"]
exclude_patterns = ["_build", "_static"]
nitpicky = True

# Links to headings work as on GitHub, where the same pages are read.
myst_heading_anchors = 4
# Pages begin with their title; those below may leave a level out where GitHub shows it well.
suppress_warnings = ["myst.header"]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_permalinks_icon = "#"
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_theme_options = {
    # The fonts of the reader's machine, so that nothing has to be fetched.
    "light_css_variables": {"color-brand-primary": "#1b4f72", "color-brand-content": "#1b4f72"},
    "dark_css_variables": {"color-brand-primary": "#8cc4ea", "color-brand-content": "#8cc4ea"},
    "footer_icons": [],
}
