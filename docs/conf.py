"""How the pages of this folder become a site: `nox -s site` (no page needs anything from another machine)."""

project = "edgectl"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "edgectl"
html_show_sphinx = False
html_copy_source = False
exclude_patterns = ["pictures/*"]
myst_heading_anchors = 3
myst_enable_extensions = ["attrs_inline"]
suppress_warnings = ["myst.header"]
highlight_language = "none"
