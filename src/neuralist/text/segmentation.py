"""Cut runs of scripts that are written without spaces into words, by ICU's dictionaries.

Scripts: Han, Hiragana, Katakana, Thai, Lao, Khmer, Myanmar. ICU is read by icu4py, of the extra `icu`; see
https://unicode-org.github.io/icu/userguide/boundaryanalysis.
"""

import regex

SCRIPTS = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
# The long vowel mark and the closing mark are of no script by themselves.
_RUN = regex.compile(rf"([{SCRIPTS}][{SCRIPTS}\p{{M}}ー〆]*+)")
_LETTER = regex.compile(rf"(?V1)[[{SCRIPTS}]&&\p{{L}}]")
# Of no language: ICU chooses a dictionary by the script, and gives the same words for ja, zh and th.
_LOCALE = "und"


def is_unspaced(text: str) -> bool:
    """Return whether a text holds a letter of a script that is written without spaces."""
    return not text.isascii() and _LETTER.search(text) is not None


def check(segmenter: str | None) -> None:
    """Refuse a segmenter that cannot run here.

    Raises:
        ValueError: icu4py is missing.
    """
    if segmenter is not None:
        _word_breaker()


def cut(word: str) -> list[str]:
    """Cut a word into the words of its runs and what stands between them; together they hold all letters.

    Raises:
        ValueError: icu4py is missing.
    """
    if not is_unspaced(word):
        return [word]
    breaker, pieces = _word_breaker(), []
    for number, piece in enumerate(_RUN.split(word)):
        if number % 2:  # a run; every call has a breaker of its own, so threads do not meet
            pieces.extend(breaker(piece, _LOCALE))
        elif between := piece.strip("'"):
            pieces.append(between)
    return pieces


def version() -> str:
    """Return the version of the ICU that is installed, such as 78.2; another may cut some runs otherwise.

    Raises:
        ValueError: icu4py is missing.
    """
    _word_breaker()
    from icu4py import icu_version

    return icu_version


def _word_breaker() -> type:
    try:
        from icu4py.breakers import WordBreaker
    except ImportError as error:
        raise ValueError(
            f"segmenter: icu cuts words by icu4py, which is missing ({error}); "
            "install the extra `icu`: pip install 'neuralist[icu]'"
        ) from error
    return WordBreaker
