"""Augment training texts by synonym replacement, anew in every epoch.

Mueller & Thyagarajan (2016) add 10,022 pairs to SICK's 4,500 by replacing random words with synonyms of
WordNet. This module takes a word's synonyms from a file, or the nearest words by word vectors.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from neuralist.config import params
from neuralist.excerpts import excerpt
from neuralist.text.tokenizer import words
from neuralist.text.vocabulary import UNKNOWN, Vocabulary
from neuralist.text.word_vectors import WordVectors

# Of 25,647 words distilled from a sentence encoder, and of groups of synonyms and of co-hyponyms (dog, cat)
# written by hand, 93 % of the pairs above this cosine were synonyms; above 0.55 it is 75 %.
MIN_COSINE = 0.65
MAX_SYNONYMS = 5
_BLOCK_ROWS = 512


class Synonyms(NamedTuple):
    """The synonyms of each token id t: ids[starts[t] : starts[t + 1]]."""

    ids: np.ndarray  # int32 (n_synonyms,)
    starts: np.ndarray  # int64 (n_tokens + 1,)

    def replaced(self, tokens: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
        """Return token ids, of any shape, where a share of those with synonyms is replaced at random."""
        counts = np.diff(self.starts)[tokens]
        chosen = (rng.random(tokens.shape) < share) & (counts > 0)
        augmented = tokens.copy()
        augmented[chosen] = self.ids[self.starts[tokens[chosen]] + rng.integers(counts[chosen])]
        return augmented


def of(settings: params.Experiment, vectors: WordVectors, tokens: np.ndarray) -> Synonyms:
    """Return the synonyms of an experiment, for the token ids of its training texts.

    Raises:
        ValueError: the experiment's tokens are characters, or its synonym list is invalid.
    """
    if settings.tokens == "char":
        raise ValueError(
            f"synonyms: received {settings.synonyms} with tokens: char; choose 0, or tokens: word"
        )
    if settings.synonym_list is not None:
        return read(Path(settings.synonym_list), vectors.vocabulary)
    return near(vectors, tokens)


def near(vectors: WordVectors, tokens: np.ndarray) -> Synonyms:
    """Return for each word among the tokens up to MAX_SYNONYMS words with a cosine of at least MIN_COSINE.

    The mean is subtracted from the vectors: vectors trained on few songs all point one way (Mu & Viswanath,
    ICLR 2018), and any two of their words would pass for synonyms.
    """
    unit = vectors.matrix[UNKNOWN + 1 :] - vectors.matrix[UNKNOWN]  # <unk> holds the mean
    lengths = np.linalg.norm(unit, axis=1, keepdims=True)
    unit = np.divide(unit, lengths, out=np.zeros_like(unit), where=lengths > 0)
    queries = np.unique(tokens)
    queries = queries[queries > UNKNOWN] - UNKNOWN - 1
    synonyms = {}
    for start in range(0, len(queries), _BLOCK_ROWS):
        rows = queries[start : start + _BLOCK_ROWS]
        cosines = unit[rows] @ unit.T
        cosines[np.arange(len(rows)), rows] = -1
        for word, row in zip(rows, cosines, strict=True):
            close = np.flatnonzero(row >= MIN_COSINE)
            nearest = close[np.argsort(-row[close], kind="stable")][:MAX_SYNONYMS]
            synonyms[word + UNKNOWN + 1] = nearest + UNKNOWN + 1
    return _pack(synonyms, len(vectors.matrix))


def read(path: Path, vocabulary: Vocabulary) -> Synonyms:
    """Read a file with a group of synonyms per line, separated by commas or spaces; # begins a comment.

    Words are normalized like texts; those outside the vocabulary are left out.

    Raises:
        ValueError: the file cannot be read, a line holds fewer than two words or several between two commas,
            or no line holds two words of the vocabulary.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"synonym_list: {path}: not readable as UTF-8 text ({error})") from error
    ids = {word: token_id for token_id, word in enumerate(vocabulary.words, start=UNKNOWN + 1)}
    synonyms: dict[int, list[int]] = {}
    for line, text in enumerate(lines, start=1):
        group = [ids[word] for word in _group(text, f"synonym_list: {path}:{line}") if word in ids]
        for word in group:
            synonyms.setdefault(word, []).extend(other for other in group if other != word)
    if not any(synonyms.values()):
        raise ValueError(
            f"synonym_list: {path}: no line of its {len(lines)} holds two words of the vocabulary; "
            "give groups of words that the texts use"
        )
    return _pack({word: np.unique(others) for word, others in synonyms.items()}, len(vocabulary))


def _group(text: str, where: str) -> list[str]:
    """Return the distinct words of a line; an empty line has none."""
    text = text.split("#")[0].strip()
    entries = text.split(",") if "," in text else text.split()
    group = []
    for entry in filter(str.strip, entries):
        folded = words(entry)
        if len(folded) != 1:
            raise ValueError(
                f"{where}: received {excerpt(repr(entry.strip()))}, {len(folded)} words; give single words"
            )
        group += folded
    if len(set(group)) == 1:
        raise ValueError(f"{where}: received {excerpt(repr(group[0]))} alone; give two or more words a line")
    return list(dict.fromkeys(group))


def _pack(synonyms: dict[int, np.ndarray], n_tokens: int) -> Synonyms:
    counts = np.zeros(n_tokens, dtype=np.int64)
    for word, others in synonyms.items():
        counts[word] = len(others)
    ids = np.concatenate([np.zeros(0), *(synonyms[word] for word in sorted(synonyms))]).astype(np.int32)
    return Synonyms(ids, np.cumsum(np.append(0, counts)))
