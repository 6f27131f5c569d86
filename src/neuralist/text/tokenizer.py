"""Split texts into tokens, words or characters, and select the tokens that a model reads."""

import itertools
import unicodedata
from bisect import bisect_left, bisect_right
from typing import NamedTuple

import regex

from neuralist.config.experiment import Experiment

# Letters with their marks, or digits; inner apostrophes belong to the word (don't, l'amour).
_WORD = regex.compile(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}]*+(?:'[\p{L}\p{M}\p{N}]++)*+")
_LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e"  # the ASCII ones of str.splitlines
# Every other ASCII character separates words; an apostrophe does so at a word's ends.
_BETWEEN_WORDS = str.maketrans(
    {chr(c): " " for c in range(128) if not chr(c).isalnum() and chr(c) != "'"}
    | dict.fromkeys(_LINE_BREAKS, "\n")
)
_APOSTROPHES = "’‘ʼ`´"


def words(text: str) -> list[str]:
    """Split a text into lower-case words; punctuation, symbols and control characters only separate.

    Compatibility forms are folded first (Unicode NFKC), so that full-width letters and ligatures equal their
    plain forms. Scripts written without spaces give a token for each run.
    """
    folded = _folded(text)
    if not folded.isascii():
        return _WORD.findall(folded)
    # The same words in a quarter of the time, and most lyrics in English are ASCII.
    return _split(folded.translate(_BETWEEN_WORDS))


def word_lines(text: str) -> list[list[str]]:
    """Split each line of a text into `words`; lines without a word are left out."""
    folded = _folded(text)
    if folded.isascii():
        lines = map(_split, folded.translate(_BETWEEN_WORDS).split("\n"))
    else:
        lines = map(_WORD.findall, folded.splitlines())
    return [line for line in lines if line]


def _split(separated: str) -> list[str]:
    if "'" not in separated:
        return separated.split()
    return [bare for word in separated.replace("''", " ").split() if (bare := word.strip("'"))]


def characters(text: str) -> list[str]:
    """Split a text into lower-case characters, white space as single spaces; folded as `words` are."""
    return list(" ".join(_folded(text).split()))


def split(text: str, tokens: str) -> list[str]:
    """Split a text into its `word` or `char` tokens."""
    return characters(text) if tokens == "char" else words(text)


def _folded(text: str) -> str:
    for mark in _APOSTROPHES:
        text = text.replace(mark, "'")
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFC", folded)


class TokenWindowing(NamedTuple):
    """The tokens of a text that a model reads, and how they are cut into windows.

    Attributes:
        tokens: `word` or `char`.
        max_tokens: limit for a head or tail, and for a chunk.
        long_text: of a longer text, read its `head`, its `tail`, or all in `chunks` of at most `max_tokens`.
        window: limit for a window; None makes a head or tail a single window.
    """

    tokens: str
    max_tokens: int
    long_text: str
    window: int | None = None

    @classmethod
    def of(cls, settings: Experiment) -> "TokenWindowing":
        """Return the windowing of an experiment."""
        return cls(settings.tokens, settings.max_tokens, settings.long_text, settings.window)

    @property
    def unit(self) -> str:
        """What a token is, for messages: word or character."""
        return "character" if self.tokens == "char" else "word"

    def split(self, text: str) -> list[str]:
        """Return all tokens of a text."""
        return split(text, self.tokens)

    def windows(self, tokens: list[str]) -> list[list[str]]:
        """Cut the tokens to read into windows of nearly equal length; an empty text has one empty window."""
        read = tokens
        if self.long_text != "chunks":
            read = tokens[-self.max_tokens :] if self.long_text == "tail" else tokens[: self.max_tokens]
        n_windows = max(1, -(-len(read) // min(self.max_tokens, self.window or self.max_tokens)))
        cuts = [len(read) * cut // n_windows for cut in range(n_windows + 1)]
        return [read[start:end] for start, end in itertools.pairwise(cuts)]

    def excerpt(self, text: str) -> str:
        """Return the part of a text that is read, as written: with its case, punctuation and lines."""
        if self.long_text == "chunks" or len(self.split(text)) <= self.max_tokens:
            return text
        # No word goes on in the next line: all but one line need to be split only once.
        lines = text.splitlines(keepends=True) if self.tokens == "word" else [text]
        if self.long_text == "tail":
            lines.reverse()
        read, left = 0, self.max_tokens
        while (n_tokens := len(self.split(lines[read]))) <= left:
            read, left = read + 1, left - n_tokens
        line = lines[read]
        cuts = range(len(line) + 1)
        if self.long_text == "tail":
            start = bisect_left(cuts, -left, key=lambda cut: -len(self.split(line[cut:])))
            return line[start:] + "".join(reversed(lines[:read]))
        end = bisect_right(cuts, left, key=lambda cut: len(self.split(line[:cut]))) - 1
        return "".join(lines[:read]) + line[:end]
