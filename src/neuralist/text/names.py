"""Names of artists and titles, folded so that two spellings of one name become equal.

`KINDS` lists the ways in which two spellings may agree, from the strictest to the loosest. A fold takes a
name and returns a key, never an empty one for a name that is not empty: where folding would leave nothing
("!!!", "The The"), it does less.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

# Letters that Unicode does not decompose into a plain letter and an accent.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_ACCENTS = re.compile("[\u0300-\u036f]")
# unique_tracks.txt holds Windows quotation marks cut to their low byte: \x19 stands for an apostrophe.
_JOINING = re.compile("['’‘ʼ`´.\u200b-\u200d\x18\x19]")
_SIGNS = re.compile(r"(?<=\w)[$!](?=\w)")  # Ke$ha, P!nk
_SEPARATING = re.compile(r"[\W_]+")
_BRACKETS = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\])|\s+[(\[].*$")
_FEATURED = re.compile(
    r"[\s(\[]+(?:feat|ft|featuring|duet with|with|vs|pres|presents|introducing)\b\.?\s.*$", re.IGNORECASE
)
_PARTNERS = re.compile(r"(?:\s*[,;/]\s*|\s+(?:&|\+|and)\s+).*$", re.IGNORECASE)


Fold = Callable[[str], str]


class Kind(NamedTuple):
    """A way in which two spellings of a song agree: the folds that make artists and titles equal."""

    name: str
    artist: Fold
    title: Fold


def spaced(name: str) -> str:
    """The name with single spaces."""
    return " ".join(name.split())


def lettered(name: str) -> str:
    """The name without case, accents and compatibility forms; other scripts keep their own marks."""
    if name.isascii():  # most names are, and have none of these
        return spaced(name.lower())
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    without_accents = _ACCENTS.sub("", unicodedata.normalize("NFD", folded)).translate(_LETTERS)
    return spaced(unicodedata.normalize("NFC", without_accents))


def worded(name: str) -> str:
    """The lettered name as words between single spaces: punctuation and control characters gone, & is and."""
    folded = lettered(name)
    signs = _SIGNS.sub(lambda sign: {"$": "s", "!": "i"}[sign[0]], _JOINING.sub("", folded))
    return _SEPARATING.sub(" ", signs.replace("&", " and ").replace("+", " and ")).strip() or folded


def key(name: str) -> str:
    """The worded name without the, and, 'n' and without spaces: equal keys are the same name."""
    return "".join(word for word in worded(name).split() if word not in {"the", "and", "n"}) or worded(name)


def unbracketed(name: str) -> str:
    """The key of the name without anything in brackets."""
    return key(_cut(name, _BRACKETS))


def without_guests(name: str) -> str:
    """The key of the name up to feat., with, vs. and the like, without anything in brackets."""
    return key(_cut(name, _FEATURED, _BRACKETS))


def first_artist(name: str) -> str:
    """The key of the first of several artists: up to a comma, semicolon, slash, plus, & or and."""
    return key(_cut(name, _FEATURED, _BRACKETS, _PARTNERS))


def slug(artist: str, title: str) -> str:
    """A readable id for a song of any script: `madonna--like-a-virgin`."""
    return f"{slug_part(artist)}--{slug_part(title)}"


def slug_part(name: str) -> str:
    """A name as it stands in a slug."""
    return worded(name).replace(" ", "-")


def related(left: str, right: str) -> bool:
    """Whether two names share at least half the words of the shorter one."""
    left_words, right_words = ({*worded(name).split()} - {"the", "and"} for name in (left, right))
    shared, shorter = len(left_words & right_words), min(len(left_words), len(right_words))
    return key(left) == key(right) or (shared > 0 and 2 * shared >= shorter)


def _cut(name: str, *endings: re.Pattern[str]) -> str:
    for ending in endings:
        name = ending.sub("", name).strip() or name
    return name


KINDS = (
    Kind("same names", spaced, spaced),
    Kind("case and accents", lettered, lettered),
    Kind("punctuation", worded, worded),
    Kind("the / and / spaces", key, key),
    Kind("bracketed suffix", unbracketed, unbracketed),
    Kind("featured artist", without_guests, without_guests),
    Kind("first of several artists", first_artist, without_guests),
)
