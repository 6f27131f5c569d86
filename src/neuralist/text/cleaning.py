"""Remove from lyrics what is not sung: headers, times, markup, mojibake and the notes of lyrics sites.

Input: a text as people have it. Output: the text that is read, and how much of which kind was removed. Songs
are cleaned before training, and texts that a model answers for in the same way.
"""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import regex

from neuralist.text.debris import RULES

VERSION = 1  # a trained model states by which version its texts were cleaned; a change of result is a new one
_MAX_PASSES = 10  # a removal may reveal others: a text escaped twice takes two passes
# What UTF-8 read as another encoding begins with; whether it is mojibake is for ftfy to say.
_MOJIBAKE = regex.compile(r"[ÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓâãåæçèéêëìíîïðРСГвŕĂÎ√¬‚]\P{ASCII}|\ufffd|[\x80-\x9f]")
_SPACES = regex.compile(r"(?<![ \t])[ \t]++(?=\n|\Z)")
_BLANK_LINES = regex.compile(r"\n{3,}")


class Cleaned(NamedTuple):
    """A text without debris, and the number of removals by kind."""

    text: str
    removed: dict[str, int]


def clean(raw: str) -> Cleaned:
    """Return a text without what is not sung; cleaning it again changes nothing.

    A text without debris comes back as it is, white space included. Only a text of nothing but debris is
    empty afterwards.
    """
    text, removed = raw, Counter[str]()
    for _ in range(_MAX_PASSES):
        before = removed.total()
        text = _without_debris(text, removed)
        if removed.total() == before:
            break
    return Cleaned(text, dict(removed))


def cleaner(version: int | None) -> Callable[[str], str]:
    """Return the function that cleans a text as that version does; None leaves texts as they are.

    Raises:
        ValueError: the version is unknown.
    """
    if version is None:
        return str
    if version != VERSION:
        raise ValueError(f"cleaning: received version {version}, but this neuralist has {VERSION}; update it")
    return _clean_text


def _clean_text(raw: str) -> str:
    return clean(raw).text


def _without_debris(raw: str, removed: Counter[str]) -> str:
    """Apply each rule once, and count what it removed."""
    text = raw.replace("\r\n", "\n").replace("\r", "\n")
    before = text
    if not text.isascii():
        text = _decoded(text, removed)
    lower = text.lower()
    for kind, signs, pattern, replace in RULES:
        # Most texts hold no sign of most kinds, and searching by pattern takes ten times as long.
        if any(sign in lower for sign in signs) if signs else not text.isascii():
            cleaned, n_removed = pattern.subn(replace, text)
            if cleaned != text:
                removed[kind] += n_removed
                text, lower = cleaned, cleaned.lower()
    if text == before:
        return raw
    return _BLANK_LINES.sub("\n\n", _SPACES.sub("", text)).strip("\n ")


def _decoded(text: str, removed: Counter[str]) -> str:
    """Decode UTF-8 that was read as another encoding, line by line."""
    if not _MOJIBAKE.search(text):
        return text
    import ftfy  # 30 ms that most texts need not pay

    lines = text.split("\n")
    decoded = [ftfy.fix_encoding(line) if _MOJIBAKE.search(line) else line for line in lines]
    n_decoded = sum(line != other for line, other in zip(lines, decoded, strict=True))
    if n_decoded:
        removed["mojibake"] += n_decoded
    return "\n".join(decoded)
