"""An address as it may be shown: without its password."""

import re


def shown(text: str) -> str:
    """Put *** in place of the password of any URL in a text, be it `user:password@` or `?password=`."""
    # Up to the last @ of the word, since a password may hold one that is not escaped.
    text = re.sub(r"(\w:/+[^\s:/@]*):\S*@", r"\1:***@", text)
    return re.sub(r"(?i)(password=)[^&\s'\"]+", r"\1***", text)
