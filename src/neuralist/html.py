"""HTML pages that open offline, from the templates of a package, and texts of others made safe to show."""

import unicodedata
from typing import Any

MARK = "�"  # stands where a character is not shown
# Unicode categories: control characters, line separators, surrogates; and what sets the writing direction.
_ACTING = {"Cc", "Zl", "Zp", "Cs"}
_DIRECTIONS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_WHITE_SPACE = set("\t\n\r")


def visible(text: str) -> str:
    """Return a text with MARK for each character that acts on what stands beside it, such as U+202E.

    That one turns the rest of a line around, so that a title or a file's ending reads as another one. Tabs
    and line ends stay.
    """
    return "".join(
        MARK if _acts(character) and character not in _WHITE_SPACE else character for character in text
    )


def _acts(character: str) -> bool:
    return character in _DIRECTIONS or unicodedata.category(character) in _ACTING


def render(package: str, template: str, **values: Any) -> str:
    """Fill a file of a package's folder `templates`; every text is escaped and visible.

    A missing value is an error. What goes through `tojson` is data and stays as it is.
    """
    import jinja2  # the commands show texts, and most make no page

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalized,
    )
    return environment.get_template(template).render(**values)


def _finalized(value: Any) -> Any:
    is_markup = hasattr(value, "__html__")
    return visible(value) if isinstance(value, str) and not is_markup else value
