"""Stylistic features of lyrics: length, repetition, pronouns, rhyme; nothing of their topic.

Input: texts as written. Output: a row of features for each text. The groups of features are those of Fell &
Sporleder 2014, "Lyrics-based analysis and classification of music" (COLING, pages 620-631), simplified:
length, vocabulary, orthography, structure (repeated lines), orientation (pronouns) and rhyme.
"""

import itertools
from collections import Counter
from collections.abc import Sequence

import numpy as np

from neuralist.text.tokenizer import word_lines

PRONOUNS = {
    "first person": frozenset({"i", "me", "my", "mine", "i'm"}),
    "second person": frozenset({"you", "your", "yours", "you're"}),
    "third person": frozenset({"he", "she", "him", "her", "his"}),
    "first person plural": frozenset({"we", "us", "our"}),
}
MARKS = "!?(,"
NAMES = (
    "words, log",
    "type-token ratio",
    "types per root of words",
    "distinct lines",
    "words a line, log",
    "letters a word",
    "lines, log",
    *PRONOUNS,
    "rhyme",
    "contractions",
    *(f"{mark} a word" for mark in MARKS),
)

# Features by which languages differ, whatever the song; pronouns and contractions are English ones.
BY_LANGUAGE = np.isin(NAMES, [*PRONOUNS, "contractions", "letters a word", "words a line, log", "rhyme"])


def features(texts: Sequence[str], segmenter: str | None = None) -> np.ndarray:
    """Return the features of each text: float64 (n_texts, 17), the columns of NAMES; all finite.

    Lines without a word do not count. Logarithms are of 1 + x. Two neighbouring lines rhyme when their last
    words end in the same two characters. A text without words has zeros. `segmenter` as in `tokenizer.words`.
    """
    rows = [_features(text, segmenter) for text in texts]
    return np.array(rows, dtype=np.float64).reshape(len(texts), len(NAMES))


def _features(text: str, segmenter: str | None) -> list[float]:
    lines = word_lines(text, segmenter)
    if not lines:
        return [0.0] * len(NAMES)
    tokens = list(itertools.chain.from_iterable(lines))
    counts = Counter(tokens)
    n_words, n_lines, types = len(tokens), len(lines), len(counts)
    ends = [line[-1][-2:] for line in lines]
    rhymes = sum(end == next_end for end, next_end in itertools.pairwise(ends))
    return [
        np.log1p(n_words),
        types / n_words,
        types / np.sqrt(n_words),
        len(set(map(tuple, lines))) / n_lines,
        np.log1p(n_words / n_lines),
        sum(map(len, tokens)) / n_words,
        np.log1p(n_lines),
        *(sum(map(counts.__getitem__, group)) / n_words for group in PRONOUNS.values()),
        rhymes / max(n_lines - 1, 1),
        sum(count for word, count in counts.items() if "'" in word) / n_words,
        *(text.count(mark) / n_words for mark in MARKS),
    ]


def standardised(values: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return features (n_texts, 17) standardised by mean and deviation of the texts `train`, clipped to +-4.

    A feature that is constant on `train` (rhyme, where each text is one line) is 0 throughout.
    """
    return scaled(values, *scale_of(values[train]))


def scale_of(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and deviation of features (n_texts, 17); infinite deviation of those that are constant."""
    deviation = values.std(axis=0)
    deviation[deviation < 1e-12] = np.inf
    return values.mean(axis=0), deviation


def scaled(values: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Return features in deviations from the mean, clipped to +-4."""
    return np.clip((values - mean) / deviation, -4, 4)
