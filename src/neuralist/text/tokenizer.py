"""Split texts into tokens, words or characters, and select the tokens that a model reads."""

import itertools
import re
import unicodedata
from bisect import bisect_left, bisect_right
from typing import NamedTuple

import regex

from neuralist.config.experiment import Experiment
from neuralist.text import segmentation

# Letters with their marks, or digits; inner apostrophes belong to the word (don't), unless `_pieces` cuts it.
_WORD = regex.compile(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}]*+(?:'[\p{L}\p{M}\p{N}]++)*+")
_LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e"  # the ASCII ones of str.splitlines
# Every other ASCII character separates words; an apostrophe does so at a word's ends.
_BETWEEN_WORDS = str.maketrans(
    {chr(c): " " for c in range(128) if not chr(c).isalnum() and chr(c) != "'"}
    | dict.fromkeys(_LINE_BREAKS, "\n")
)
_APOSTROPHES = "’‘ʼ`´"

# Words of French, Italian, Catalan and Occitan that lose their last vowel before another word's first. What
# a dictionary lists as one word (aujourd'hui, quelqu'un, presqu'île) is none of them, nor is English.
_ELIDED = (
    "c ç d j l m n s t qu jusqu lorsqu puisqu quoiqu "
    "all anch bell ciascun coll com cos dall degl dell dev dov gl grand mezz nell nessun quand quant quell "
    "quest sant senz sott sull tutt un v"
)
_VOWELS = "aàáâãäåæeèéêëiìíîïoòóôõöøœuùúûü"
# y begins a word as a vowel in French alone (j'y, d'Yves), and as a consonant in English (d'you).
_ELISIONS = regex.compile(rf"(?:(?:{'|'.join(_ELIDED.split())})'(?=[h{_VOWELS}]|y(?![{_VOWELS}'])))++")
# English that looks the same, and is left whole.
_ENGLISH = (
    "all'a all'i com'on cos'i d'oh l'il m'aam m'am n'all n'em s'all s'alright s'ok s'okay s'up t'ain't "
    "t'aint t'all t'is t'isn't t'other t'others"
)
_ENGLISH_WORDS = frozenset(_ENGLISH.split())
# A quick look for an apostrophe between such letters, which one English text of a hundred has. It begins with
# the apostrophe, which `re` finds 15 times as fast as a class of letters.
_MAYBE_ELIDED = re.compile(r"'[aeiouhy\x80-\U0010ffff](?<=[cçdhjlmnstuvz]'.)")


def words(text: str, segmenter: str | None = None) -> list[str]:
    """Split a text into lower-case words; punctuation, symbols and control characters only separate.

    Compatibility forms are folded first (Unicode NFKC), so that full-width letters and ligatures equal their
    plain forms. An elided word of French or Italian is a word of its own: l'amour gives l and amour.

    Args:
        text: the text.
        segmenter: `icu` cuts runs of scripts written without spaces into words; None leaves each run one.

    Raises:
        ValueError: icu4py is missing.
    """
    folded = _folded(text)
    return _cut(_whole_words(folded), folded, segmenter)


def word_lines(text: str, segmenter: str | None = None) -> list[list[str]]:
    """Split each line of a text into `words`; lines without a word are left out."""
    folded = _folded(text)
    if folded.isascii():
        lines = map(_split, folded.translate(_BETWEEN_WORDS).split("\n"))
    else:
        lines = map(_WORD.findall, folded.splitlines())
    return [_cut(line, folded, segmenter) for line in lines if line]


def _whole_words(folded: str) -> list[str]:
    """Split a folded text at all that is neither letter, mark, digit nor inner apostrophe."""
    if not folded.isascii():
        return _WORD.findall(folded)
    # The same words in a quarter of the time, and most lyrics in English are ASCII.
    return _split(folded.translate(_BETWEEN_WORDS))


def _split(separated: str) -> list[str]:
    if "'" in separated:
        # Those at a word's ends go, all at once: to strip each word takes longer.
        spaced = f" {separated} ".replace("\n", " ").replace("''", " ")
        separated = spaced.replace(" '", " ").replace("' ", " ")
    return separated.split()


def _cut(whole: list[str], folded: str, segmenter: str | None) -> list[str]:
    """Cut whole words into their `_pieces`; `folded` is the text that holds them."""
    if (segmenter is None or folded.isascii()) and _MAYBE_ELIDED.search(folded) is None:
        return whole
    return [piece for word in whole for piece in _pieces(word, segmenter)]


def _pieces(word: str, segmenter: str | None) -> list[str]:
    """Cut a whole word behind its elided words, and its unspaced runs into words; at least one piece."""
    pieces = [word]
    if "'" in word and word not in _ENGLISH_WORDS and (elisions := _ELISIONS.match(word)):
        pieces = [*elisions[0][:-1].split("'"), word[elisions.end() :]]
    return pieces if segmenter is None else [*pieces[:-1], *segmentation.cut(pieces[-1])]


def characters(text: str) -> list[str]:
    """Split a text into lower-case characters, white space as single spaces; folded as `words` are."""
    return list(" ".join(_folded(text).split()))


def split(text: str, tokens: str, segmenter: str | None = None) -> list[str]:
    """Split a text into its `word` or `char` tokens; `segmenter` as in `words`."""
    return characters(text) if tokens == "char" else words(text, segmenter)


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
        segmenter: what cuts runs of scripts written without spaces into words, `icu`; None: nothing does.
    """

    tokens: str
    max_tokens: int
    long_text: str
    window: int | None = None
    segmenter: str | None = None

    @classmethod
    def of(cls, settings: Experiment, segmenter: str | None = None) -> "TokenWindowing":
        """Return the windowing of an experiment.

        Args:
            settings: of the experiment.
            segmenter: that of its word vectors, from `records.experiment.Coverage`.

        Raises:
            ValueError: the segmenter's package is missing.
        """
        segmentation.check(segmenter)
        return cls(settings.tokens, settings.max_tokens, settings.long_text, settings.window, segmenter)

    @property
    def unit(self) -> str:
        """What a token is, for messages: word or character."""
        return "character" if self.tokens == "char" else "word"

    def split(self, text: str) -> list[str]:
        """Return all tokens of a text."""
        return split(text, self.tokens, self.segmenter)

    def windows(self, tokens: list[str]) -> list[list[str]]:
        """Cut the tokens to read into windows of nearly equal length; an empty text has one empty window."""
        read = tokens
        if self.long_text != "chunks":
            read = tokens[-self.max_tokens :] if self.long_text == "tail" else tokens[: self.max_tokens]
        n_windows = max(1, -(-len(read) // min(self.max_tokens, self.window or self.max_tokens)))
        cuts = [len(read) * cut // n_windows for cut in range(n_windows + 1)]
        return [read[start:end] for start, end in itertools.pairwise(cuts)]

    def excerpt(self, text: str) -> str:
        """Return the part of a text that is read, as written: with its case, punctuation and lines.

        Its tokens are those that are read. Within a run that a segmenter cuts they may be fewer: the longest
        part that by itself is cut as it is in the whole text.
        """
        if self.long_text == "chunks" or len(self.split(text)) <= self.max_tokens:
            return text
        # No word goes on in the next line: all but one line need to be split only once.
        lines = text.splitlines(keepends=True) if self.tokens == "word" else [text]
        if self.long_text == "tail":
            lines.reverse()
        read, left = 0, self.max_tokens
        while (n_tokens := len(self.split(lines[read]))) <= left:
            read, left = read + 1, left - n_tokens
        if self.long_text == "tail":
            return self._end_of(lines[read], left) + "".join(reversed(lines[:read]))
        return "".join(lines[:read]) + self._beginning_of(lines[read], left)

    def _beginning_of(self, line: str, most: int) -> str:
        """Return the beginning of a line that ends before the token after its first `most`."""
        tokens = self.split(line)
        length = most if self.tokens == "char" else _starts(line, tokens)[most]
        cuts = range(len(line) + 1)
        end = bisect_right(cuts, length, key=lambda cut: self._length(line[:cut])) - 1
        if self.segmenter is not None:
            # ICU may cut the beginning of a run into other words than the run.
            while (read := self.split(line[:end])) != tokens[:most][: len(read)]:
                end -= 1
        return line[:end]

    def _end_of(self, line: str, most: int) -> str:
        """Return the end of a line that begins behind the token before its last `most`."""
        tokens = self.split(line)
        n_before = len(tokens) - most
        length = most
        if self.tokens != "char":
            before = _starts(line, tokens)[n_before - 1] + len(tokens[n_before - 1])
            length = self._length(line) - before
        cuts = range(len(line) + 1)
        start = bisect_left(cuts, -length, key=lambda cut: -self._length(line[cut:]))
        if self.segmenter is not None:
            last = tokens[n_before:]
            while (read := self.split(line[start:])) != last[max(0, most - len(read)) :]:
                start += 1
        return line[start:]

    def _length(self, text: str) -> int:
        return len(characters(text) if self.tokens == "char" else _folded(text))


def _starts(text: str, tokens: list[str]) -> list[int]:
    """Return where each of a text's words starts in the folded text; between words there is no letter."""
    folded, starts, end = _folded(text), [], 0
    for token in tokens:
        starts.append(folded.index(token, end))
        end = starts[-1] + len(token)
    return starts
