"""Normalize names of artists and titles, so that spellings of the same name become equal.

A fold maps a name to a key, which is empty only for an empty name: where nothing would be left ("!!!",
"The The"), the fold does less. `neuralist.text.matching` says which folds make two names the same song.
"""

import re
import unicodedata

# Letters that Unicode does not decompose into a plain letter and an accent.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_ACCENTS = re.compile("[\u0300-\u036f]")
# unique_tracks.txt holds Windows quotation marks cut to their low byte: \x19 stands for an apostrophe.
_DROPPED = re.compile("['’‘ʼ`´.\u200b-\u200d\x18\x19]")
_SIGNS = re.compile(r"(?<=\w)[$!](?=\w)")  # Ke$ha, P!nk
_SEPARATORS = re.compile(r"[\W_]+")
# "With", "vs." and "and" are no marks of a guest: they stand within names, such as Sleeping With Sirens.
_GUESTS = re.compile(r"[\s(\[]+(?:feat|ft|featuring|duet with)\b\.?\s.*$", re.IGNORECASE)
_FIRST_WORDS, _FIRST_CHARACTERS = 6, 40
_BRACKETS = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\])|\s+[(\[].*$")


def spaced(name: str) -> str:
    """Return the name with single spaces."""
    return " ".join(name.split())


def lettered(name: str) -> str:
    """Return the name without case, accents and compatibility forms; other scripts keep their marks."""
    if name.isascii():  # most names are ASCII, where only case differs
        return spaced(name.lower())
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    without_accents = _ACCENTS.sub("", unicodedata.normalize("NFD", folded)).translate(_LETTERS)
    return spaced(unicodedata.normalize("NFC", without_accents))


def worded(name: str) -> str:
    """Return the lettered name as words between single spaces: no punctuation or controls, & becomes and."""
    folded = lettered(name)
    signs = _SIGNS.sub(lambda sign: {"$": "s", "!": "i"}[sign[0]], _DROPPED.sub("", folded))
    return _SEPARATORS.sub(" ", signs.replace("&", " and ").replace("+", " and ")).strip() or folded


def key(name: str) -> str:
    """Return the worded name without the, and, 'n' and spaces: equal keys are the same name."""
    return "".join(word for word in worded(name).split() if word not in {"the", "and", "n"}) or worded(name)


def without_guests(name: str) -> str:
    """Return the key of an artist's name up to feat. and the like, without bracketed text."""
    return key(cut(name, _GUESTS, _BRACKETS))


def slug_part(name: str) -> str:
    """Return a name as part of a readable id: `like-a-virgin`; of any script."""
    return worded(name).replace(" ", "-")


def first_words(text: str) -> str:
    """Return what a text without a name goes by: its first words and "…".

    They are 6 words, at most 40 characters and at most half of the text. A word is cut only where it is the
    first: scripts without spaces have words of any length.
    """
    text = spaced(text)
    limit = min(_FIRST_CHARACTERS, len(text) // 2)
    start = " ".join(text.split()[:_FIRST_WORDS])
    if len(start) > limit:
        start = f"{start} "[: limit + 1].rpartition(" ")[0] or start[:limit]
    return f"{start}…"


def related(left: str, right: str) -> bool:
    """Return whether two names share at least half the words of the shorter name."""
    left_words, right_words = ({*worded(name).split()} - {"the", "and"} for name in (left, right))
    shared, shorter = len(left_words & right_words), min(len(left_words), len(right_words))
    return key(left) == key(right) or (shared > 0 and 2 * shared >= shorter)


def cut(name: str, *endings: re.Pattern[str]) -> str:
    """Return the name without what the patterns match; a pattern that would leave nothing is skipped."""
    name = spaced(name)  # long runs of spaces would take the patterns seconds
    for ending in endings:
        name = ending.sub("", name).strip() or name
    return name
