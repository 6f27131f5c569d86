"""Synonyms: which words may stand for which, so that training reads each text in other words every epoch.

Mueller & Thyagarajan (2016) add 10,022 pairs to SICK's 4,500 by putting WordNet's synonyms in the place of
random words. Here a word's synonyms are those of a file, or its nearest by word vectors.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neuralist.config import params
from neuralist.text.tokenizer import words
from neuralist.text.vocabulary import UNKNOWN, Vocabulary
from neuralist.text.word_vectors import WordVectors

# Of 25,647 words distilled from a sentence encoder, and of groups of synonyms and of co-hyponyms (dog, cat)
# written by hand, 93 % of the pairs above this cosine were synonyms; above 0.55 it is 75 %.
LEAST_COSINE = 0.65
MOST = 5
_ROWS_A_BLOCK = 512


class Synonyms(NamedTuple):
    """The token ids that may stand for each token id t: ids[starts[t] : starts[t + 1]]."""

    ids: np.ndarray  # int32 (n_synonyms,)
    starts: np.ndarray  # int64 (n_tokens + 1,)

    def replaced(self, tokens: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
        """Token ids, of any shape, with that share of those that have synonyms replaced by one of them."""
        counts = np.diff(self.starts)[tokens]
        chosen = (rng.random(tokens.shape) < share) & (counts > 0)
        made = tokens.copy()
        made[chosen] = self.ids[self.starts[tokens[chosen]] + rng.integers(counts[chosen])]
        return made


def of(settings: params.Experiment, vectors: WordVectors, tokens: np.ndarray) -> Synonyms:
    """What an experiment puts in the place of the token ids of its training texts.

    Raises:
        ValueError: the experiment reads characters, or its list cannot be used.
    """
    if settings.tokens == "char":
        raise ValueError(
            f"synonyms: received {settings.synonyms} with tokens: char; choose 0, or tokens: word"
        )
    if settings.synonym_list is not None:
        return read(Path(settings.synonym_list), vectors.vocabulary)
    return near(vectors, tokens)


def near(vectors: WordVectors, tokens: np.ndarray) -> Synonyms:
    """For each word among the tokens, the at most MOST words of a cosine of at least LEAST_COSINE.

    Cosines are taken from the vectors' mean: vectors trained on few songs all point one way (Mu & Viswanath,
    ICLR 2018), and any two of their words would pass for synonyms.
    """
    known = vectors.matrix[UNKNOWN + 1 :] - vectors.matrix[UNKNOWN]  # <unk> holds the mean
    lengths = np.linalg.norm(known, axis=1, keepdims=True)
    known = np.divide(known, lengths, out=np.zeros_like(known), where=lengths > 0)
    asked = np.unique(tokens)
    asked = asked[asked > UNKNOWN] - UNKNOWN - 1
    found = {}
    for start in range(0, len(asked), _ROWS_A_BLOCK):
        rows = asked[start : start + _ROWS_A_BLOCK]
        cosines = known[rows] @ known.T
        cosines[np.arange(len(rows)), rows] = -1
        for word, row in zip(rows, cosines, strict=True):
            close = np.flatnonzero(row >= LEAST_COSINE)
            found[word + UNKNOWN + 1] = close[np.argsort(-row[close], kind="stable")][:MOST] + UNKNOWN + 1
    return _assembled(found, len(vectors.matrix))


def read(path: Path, vocabulary: Vocabulary) -> Synonyms:
    """Read a file with a group of synonyms a line, between commas or spaces; # begins a comment.

    Words are folded as texts are; those outside the vocabulary are left out.

    Raises:
        ValueError: the file cannot be read, a line holds fewer than two words or several between two commas,
            or no line holds two words of the vocabulary.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"synonym_list: {path}: not readable as UTF-8 text ({error})") from error
    numbers = {word: number for number, word in enumerate(vocabulary.words, start=UNKNOWN + 1)}
    found: dict[int, list[int]] = {}
    for line, text in enumerate(lines, start=1):
        group = [numbers[word] for word in _group(text, f"synonym_list: {path}:{line}") if word in numbers]
        for word in group:
            found.setdefault(word, []).extend(other for other in group if other != word)
    if not any(found.values()):
        raise ValueError(
            f"synonym_list: {path}: no line of its {len(lines)} holds two words of the vocabulary; "
            "give groups of words that the texts use"
        )
    return _assembled({word: np.unique(others) for word, others in found.items()}, len(vocabulary))


def _group(text: str, where: str) -> list[str]:
    """The distinct words of a line; none of an empty one."""
    text = text.split("#")[0].strip()
    entries = text.split(",") if "," in text else text.split()
    found = []
    for entry in filter(str.strip, entries):
        folded = words(entry)
        if len(folded) != 1:
            raise ValueError(f"{where}: received {entry.strip()!r}, {len(folded)} words; give single words")
        found += folded
    if len(set(found)) == 1:
        raise ValueError(f"{where}: received {found[0]!r} alone; give two or more words a line")
    return list(dict.fromkeys(found))


def _assembled(found: dict[int, np.ndarray], n_tokens: int) -> Synonyms:
    counts = np.zeros(n_tokens, dtype=np.int64)
    for word, others in found.items():
        counts[word] = len(others)
    ordered: Iterable[np.ndarray] = [found[word] for word in sorted(found)]
    ids = np.concatenate([np.zeros(0), *ordered]).astype(np.int32)
    return Synonyms(ids, np.cumsum(np.append(0, counts)))
