"""Which lines and words of two texts their similarity rests on: each is left out, and the pair scored again.

Input: two texts as the model reads them, and a function that gives the similarity of pairs. Output: a table
with a row for each line and each word. The contribution of one is the similarity of the texts less that
without it: above 0 it speaks for the similarity, below 0 against it.

Source: Li, Monroe & Jurafsky (2016), Understanding Neural Networks through Representation Erasure
(arXiv:1612.08220), who leave out words. Zeiler & Fergus (2014), Visualizing and Understanding Convolutional
Networks (arXiv:1311.2901), cover parts of a picture.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from neuralist.text import tokenizer
from neuralist.text.tokenizer import TokenWindowing

CAVEAT = (
    "A contribution is by how much the similarity falls without this line or word; below 0 it rises. It is "
    "what the model's score rests on, not why songs are alike. One part is left out at a time: parts that "
    "say the same hide each other, and contributions do not add up."
)
# Tokens that are encoded for the lines of a text, and as many again for its words: a second or two in all on
# two cores. Of a text of 420 words that is each of 238 lines and 238 words, which few songs have.
MAX_TOKENS = 100_000
# A line of more words is cut into its sentences, and a longer sentence into runs of so many words.
LONG_LINE, RUN = 30, 10
DECIMALS = 6
COLUMNS = ("text", "unit", "line", "part", "times", "read", "contribution")
# Behind a sentence; in Chinese and Japanese no space follows.
_SENTENCE_END = re.compile(r"(?<=[.!?…؟।])[\"'”’»)\]]*\s+|(?<=[。！？])[」』”’]*")
_CHUNK = re.compile(r"\S+")
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ`´", "'"))  # which the tokenizer takes for one

# The similarity of pairs, float64 (n_pairs,), of texts on the left and on the right; NaN where the model
# knows no word of one.
Similarities = Callable[[Sequence[str], Sequence[str]], np.ndarray]
Span = tuple[int, int]  # of characters: the first, and the one behind the last


class _Copy(NamedTuple):
    """One place where a line or a word stands."""

    number: int  # of its line, from 1
    span: Span


class _Part(NamedTuple):
    """A line or a word of a text, with all its copies."""

    unit: str  # line or word
    number: int  # of the line with the first copy, from 1
    shown: str
    times: int  # copies in the whole text
    read: tuple[Span, ...]  # what the model reads of them; empty: nothing


class _Text(NamedTuple):
    """A text, what the model reads of it, and its parts in the order of their first copies."""

    text: str
    read: Span
    n_tokens: int  # of what is read
    lines: list[_Part]
    words: list[_Part]  # that are read

    def without(self, spans: Iterable[Span]) -> str:
        """Return what the model reads, without these spans, which are in order."""
        kept, position = [], self.read[0]
        for start, end in spans:
            kept.append(self.text[position:start])
            position = end
        return "".join([*kept, self.text[position : self.read[1]]])

    def to_try(self) -> list[_Part]:
        """Return the parts to leave out, one at a time: of a text of one line words alone."""
        most = max(1, MAX_TOKENS // self.n_tokens)
        lines = [line for line in self.lines if line.read]
        return [*(lines[:most] if len(lines) > 1 else []), *self.words[:most]]


def explain(a: str, b: str, windowing: TokenWindowing, similarities: Similarities) -> pd.DataFrame:
    """Return what each line and each word of two texts contributes to their similarity.

    Lines of the same words are one line, and copies of a word one word: they are left out together. What is
    not read is taken away first, or leaving out a line would let in words from behind the limit.

    Args:
        a: the first text, cleaned, with a word that the model knows.
        b: the second.
        windowing: which part of a text the model reads.
        similarities: of pairs of texts.

    Returns:
        The table of `serving.model.Model.explain`.
    """
    sides = {"a": _text(a, windowing), "b": _text(b, windowing)}
    read = {name: side.without([]) for name, side in sides.items()}
    tried = [(name, part, side.without(part.read)) for name, side in sides.items() for part in side.to_try()]
    # Without its only word a text cannot be encoded.
    scored = [(name, text) for name, _, text in tried if tokenizer.words(text)]
    left = [a, read["a"], *(text if name == "a" else read["a"] for name, text in scored)]
    right = [b, read["b"], *(text if name == "b" else read["b"] for name, text in scored)]
    whole, base, *others = similarities(left, right).tolist()
    without = dict(zip(scored, others, strict=True))
    rows = [(name, part, base - without.get((name, text), np.nan)) for name, part, text in tried] + [
        (name, line, 0.0) for name, side in sides.items() for line in side.lines if not line.read
    ]
    notes = [note for name, side in sides.items() for note in _notes(name, side, windowing)]
    if abs(whole - base) >= 0.0005:
        notes.append(
            f"contributions are to the similarity of what is read, {base:.3f}; that of the whole texts is "
            f"{whole:.3f}, for their lengths count too"
        )
    return _table(rows, base, notes)


def _table(rows: list[tuple[str, _Part, float]], similarity: float, notes: list[str]) -> pd.DataFrame:
    cells = [
        (name, part.unit, part.number, part.shown, part.times, bool(part.read), round(value, DECIMALS))
        for name, part, value in rows
    ]
    table = pd.DataFrame(cells, columns=pd.Index(COLUMNS)).sort_values(
        ["text", "unit", "contribution"], ascending=[True, True, False], kind="stable", ignore_index=True
    )
    table.attrs |= {"similarity": similarity, "notes": notes}
    return table


def _notes(name: str, side: _Text, windowing: TokenWindowing) -> Iterator[str]:
    """Yield what of a text was not read, and what was not left out."""
    n_tokens = len(windowing.split(side.text))
    read = [line for line in side.lines if line.read]
    if side.n_tokens < n_tokens:
        yield (
            f"{name}: the model reads {side.n_tokens:,} of {n_tokens:,} {windowing.unit}s; "
            f"{len(side.lines) - len(read):,} of {len(side.lines):,} lines are not read, and contribute 0"
        )
    tried = [part.unit for part in side.to_try()]
    for unit, parts in (("line", read), ("word", side.words)):
        if 0 < tried.count(unit) < len(parts):
            yield (
                f"{name}: only the first {tried.count(unit):,} of {len(parts):,} {unit}s were left out, for "
                "in so long a text each takes time"
            )


def _text(text: str, windowing: TokenWindowing) -> _Text:
    """Return a text with its lines and words, and the part of it that is read."""
    excerpt = windowing.excerpt(text)
    start = len(text) - len(excerpt) if windowing.long_text == "tail" else 0
    end = start + len(excerpt)
    lines: dict[str, list[_Copy]] = {}
    words: dict[str, list[_Copy]] = {}
    for number, line in _lines(text, windowing.segmenter):
        of_line = list(_words(text, line, windowing.segmenter))
        if of_line:
            lines.setdefault(" ".join(word for word, _ in of_line), []).append(_Copy(number, line))
        for word, span in of_line:
            words.setdefault(word, []).append(_Copy(number, span))

    def part(unit: str, shown: str, copies: list[_Copy]) -> _Part:
        read = [(max(copy.span[0], start), min(copy.span[1], end)) for copy in copies]
        spans = tuple(span for span in read if span[0] < span[1] and tokenizer.words(text[slice(*span)]))
        return _Part(unit, copies[0].number, shown, len(copies), spans)

    of_lines = [
        part("line", " ".join(text[slice(*copies[0].span)].split()), copies) for copies in lines.values()
    ]
    of_words = [part("word", word, copies) for word, copies in words.items()]
    n_tokens = len(windowing.split(excerpt))
    return _Text(text, (start, end), n_tokens, of_lines, [word for word in of_words if word.read])


def _lines(text: str, segmenter: str | None) -> Iterator[tuple[int, Span]]:
    """Yield the lines of a text with their numbers from 1; pieces of a long line share its number."""
    position = 0
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        for start, end in itertools.pairwise(_cuts(line, segmenter)):
            yield number, (position + start, position + end)
        position += len(line)


def _cuts(line: str, segmenter: str | None) -> list[int]:
    """Return where the pieces of a line begin, and where the last one ends."""
    if len(tokenizer.words(line, segmenter)) <= LONG_LINE:
        return [0, len(line)]
    ends = sorted({0, len(line)} | {end.end() for end in _SENTENCE_END.finditer(line)})
    cuts = ends[:]
    for sentence in itertools.pairwise(ends):
        words = list(_words(line, sentence, segmenter))
        if len(words) > LONG_LINE:
            cuts += [start for _, (start, _) in words[RUN::RUN]]
    return sorted(cuts)


def _words(text: str, span: Span, segmenter: str | None) -> Iterator[tuple[str, Span]]:
    """Yield the words of a part of a text, and where they stand.

    Where they cannot be found in the text, as of ligatures, all that stands between two spaces is one word.
    """
    for chunk in _CHUNK.finditer(text, *span):
        words = tokenizer.words(chunk[0], segmenter)
        spans = _located(words, chunk[0])
        for word, (start, end) in zip(words, spans, strict=False):
            yield word, (chunk.start() + start, chunk.start() + end)
        if words and not spans:
            yield " ".join(words), chunk.span()


def _located(words: list[str], text: str) -> list[Span]:
    """Return where words stand in a text, in its order; nothing where one is written in other characters."""
    folded = text.translate(_APOSTROPHES).casefold()
    spans, end = list[Span](), 0
    for word in words:
        start = folded.find(word, end)
        if start < 0 or len(folded) != len(text):
            return []
        end = start + len(word)
        spans.append((start, end))
    return spans
