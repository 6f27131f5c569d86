"""Sphinx settings of the pages: `make docs` writes docs/_build/index.html, which needs no server.

Links, anchors and figures that do not exist are warnings or errors, and `make docs` takes no warning.
"""

import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS))

import figures  # noqa: E402, of this folder, which the line before makes importable

project = "Neuralist"
author = "the authors of Neuralist"
copyright = author  # noqa: A001, Sphinx's name
release = metadata.version("neuralist")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = True
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
    source[0] = figures.render(page, source[0])


def setup(app: "Sphinx") -> None:
    """Insert the figures before a page is parsed."""
    app.connect("source-read", _insert_figures)
