"""Sphinx settings of the pages: `make docs` writes docs/_build/index.html, which needs no server.

Links, anchors and figures that do not exist are warnings or errors, and `make docs` takes no warning.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

from docs import figures  # noqa: E402, of the checkout, which the line before makes importable

import neuralist  # noqa: E402

project = "Neuralist"
author = "the authors of Neuralist"
copyright = author  # noqa: A001, Sphinx's name
release = neuralist.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["attrs_inline", "colon_fence"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
# A request of two lines in quotes is more than the console lexer reads.
suppress_warnings = ["misc.highlighting_failure"]
# As text: napoleon takes what stands before the first colon for a type, and types are in the signature.
napoleon_custom_sections = [("Returns", "text")]
autodoc_typehints = "signature"
autodoc_member_order = "bysource"

html_theme = "furo"
html_title = "Neuralist"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}


def _insert_figures(_app: "Sphinx", page: str, source: list[str]) -> None:
    try:
        source[0] = figures.render(page, source[0])
    except ValueError as error:
        # A warning fails the build as well, and comes as one line.
        logging.getLogger(__name__).warning(str(error))


def setup(app: "Sphinx") -> None:
    """Insert the figures before a page is parsed."""
    app.connect("source-read", _insert_figures)
