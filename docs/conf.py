"""How Sphinx builds this documentation. It fetches nothing: names of other projects stay plain."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "healthimaging-sdk"
author = "the authors of healthimaging-sdk"
copyright = author  # noqa: A001
html_title = "healthimaging-sdk"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "floors",
    "names",
    "tables",
]
exclude_patterns = ["_build"]

myst_heading_anchors = 3

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_theme_options = {"navigation_with_keys": True}
copybutton_exclude = ".linenos, .gp, .go"

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
toc_object_entries_show_parents = "hide"
maximum_signature_line_length = 88
python_use_unqualified_type_names = True

# Only our own public names have pages to link to; type variables and private classes have none.
nitpick_ignore_regex = [
    (r"py:.*", r"(?!healthimaging_sdk).*"),
    (r"py:class", r"healthimaging_sdk\.(\w+\.)*_.*"),
    (r"py:class", r"healthimaging_sdk\.\w+\.(Item|Page|Request|Response)"),
]
