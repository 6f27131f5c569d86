"""Word vector files: read one, tell whether several are of one space, and merge them.

Files: word2vec text (.vec, .vec.gz; fastText's wiki.simple.vec), GloVe text (.txt, the same without its first
line) and word2vec binary (.bin); https://code.google.com/archive/p/word2vec, nlp.stanford.edu/projects/glove.

Files of several languages are of one space where a word and its translation have near vectors, as in
fastText's aligned vectors (Joulin et al. 2018). Then words that are spelled alike (names, digits, loan words)
are near too, and that shows it. Files that were trained apart can be turned into one space by an orthogonal
map on these words (Procrustes; Xing et al. 2015, Smith et al. 2017).

A word of several files gets the mean of its unit vectors, weighed by 1 / (10 + its rank in the file): `die`
is a rare English verb and the first of German words. Taken from the first file alone, it would have the
meaning that is rare.
"""

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neuralist.text.tokenizer import words

SUFFIXES = (".vec", ".vec.gz", ".bin", ".txt", ".txt.gz")
RANK_OFFSET = 10  # ranks up to it count nearly alike: the first words of any language are as common
# Mean cosine of words spelled alike, over that of words drawn at random. Measured on the vectors of four
# languages in one space: 0.45 to 0.71; on those of two spaces: -0.03 to 0.00.
LEAST_LEAD = 0.1
LEAST_SHARED = 30  # words, without which chance decides
_SEED = 2017


class VectorFile(NamedTuple):
    """The words of a file, each once, by rank.

    Attributes:
        name: of the file, for messages.
        words: as texts have them.
        ranks: int64 (n_words,), the place of each word's first entry in the file, from 0, ascending.
        vectors: float32 (n_words, dimensions), as they stand in the file.
    """

    name: str
    words: tuple[str, ...]
    ranks: np.ndarray
    vectors: np.ndarray

    def select(self, rows: np.ndarray) -> "VectorFile":
        """Return some of the words, int64 or bool, in the order of the file."""
        chosen = np.arange(len(self.words))[rows]
        return self._replace(
            words=tuple(self.words[row] for row in chosen.tolist()),
            ranks=self.ranks[chosen],
            vectors=self.vectors[chosen],
        )


class Origins(NamedTuple):
    """Where the vectors of words are from, so that a further file can be merged; each float32 (n_words,).

    Attributes:
        weight: sum of the word's weights in the files that have it.
        norm: length of the weighted sum of its unit vectors, at most `weight`.
        own: share of the weight that is of the file of the training songs' language, in [0, 1].
    """

    weight: np.ndarray
    norm: np.ndarray
    own: np.ndarray


class Merged(NamedTuple):
    """Words of several files, first those of the first file, with vectors (n_words, dimensions).

    Attributes:
        words: each once.
        vectors: float32; of a word that a single file has, that file's own.
        weights: float64 (n_words, n_files), 1 / (10 + rank), 0 where a file lacks the word.
        norms: float64 (n_words,), see `Origins.norm`.
    """

    words: tuple[str, ...]
    vectors: np.ndarray
    weights: np.ndarray
    norms: np.ndarray

    def origins(self, own: int) -> Origins:
        """Return where the vectors are from; file number `own` is that of the training songs' language."""
        total = self.weights.sum(axis=1)
        columns = total, self.norms, self.weights[:, own] / total
        return Origins(*(column.astype(np.float32) for column in columns))


def read(path: Path) -> VectorFile:
    """Read the words of a file.

    Entries are normalized like texts; of several spellings the first counts; entries that are not a single
    token (punctuation, phrases) are dropped.

    Raises:
        ValueError: the file is not a word vector file, is truncated, or holds no word.
    """
    from gensim.models import KeyedVectors  # 1.9 s that others need not pay

    try:
        binary = path.suffix == ".bin"
        no_header = not (binary or _has_header(path))
        entries = KeyedVectors.load_word2vec_format(str(path), binary=binary, no_header=no_header)
    except (ValueError, TypeError, EOFError, OSError, IndexError) as error:
        raise ValueError(
            f"{path}: not readable as word vectors ({error}); expected word2vec text or binary, or GloVe"
        ) from error
    ranks: dict[str, int] = {}
    for rank, entry in enumerate(entries.index_to_key):
        tokens = words(entry)
        if len(tokens) == 1:
            ranks.setdefault(tokens[0], rank)
    if not ranks:
        raise ValueError(f"{path}: none of its {len(entries)} entries is a word; expected one word a line")
    rows = np.fromiter(ranks.values(), dtype=np.int64, count=len(ranks))
    return VectorFile(path.name, tuple(ranks), rows, entries.vectors[rows])


def _has_header(path: Path) -> bool:
    """Return whether a text file begins with word2vec's line of two counts, which GloVe's lack."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        return len(file.readline().split()) == 2


def merge(files: Sequence[VectorFile]) -> Merged:
    """Merge files of one space; see the module."""
    numbers = {
        word: row for row, word in enumerate(dict.fromkeys(word for file in files for word in file.words))
    }
    vectors = np.zeros((len(numbers), files[0].vectors.shape[1]), dtype=np.float32)
    weights, n_files = np.zeros((len(numbers), len(files))), np.zeros(len(numbers), dtype=np.int64)
    rows_of = [np.array([numbers[word] for word in file.words], dtype=np.int64) for file in files]
    for column, (file, rows) in enumerate(zip(files, rows_of, strict=True)):
        weights[rows, column] = 1 / (RANK_OFFSET + file.ranks)
        vectors[rows] = file.vectors
        n_files[rows] += 1
    shared = np.flatnonzero(n_files > 1)
    place = np.full(len(numbers), -1)
    place[shared] = np.arange(len(shared))
    sums = np.zeros((len(shared), vectors.shape[1]))
    for column, (file, rows) in enumerate(zip(files, rows_of, strict=True)):
        is_shared = n_files[rows] > 1
        of_file = rows[is_shared]
        sums[place[of_file]] += unit(file.vectors[is_shared]) * weights[of_file, column][:, None]
    norms = weights.sum(axis=1)
    norms[shared] = np.linalg.norm(sums, axis=1)
    vectors[shared] = sums
    return Merged(tuple(numbers), vectors, weights, norms)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of length 1, float64; zeros stay."""
    exact = vectors.astype(np.float64)
    lengths = np.linalg.norm(exact, axis=1, keepdims=True)
    return np.divide(exact, lengths, out=exact, where=lengths > 0)


def in_one_space(base: VectorFile, other: VectorFile, *, align: bool) -> tuple[VectorFile, str]:
    """Return a file in the space of another one, and how that was made sure, as a sentence.

    Args:
        base: the file whose space counts.
        other: the file to bring there.
        align: whether to turn it by an orthogonal map where it is of another space.

    Raises:
        ValueError: the two differ in dimensions, share too few words, are of two spaces, or stay so.
    """
    names = f"{other.name} and {base.name}"
    if base.vectors.shape[1] != other.vectors.shape[1]:
        raise ValueError(
            f"{names}: vectors of {other.vectors.shape[1]} and of {base.vectors.shape[1]} dimensions; "
            "give files of one space, such as fastText's aligned vectors"
        )
    place = {word: row for row, word in enumerate(base.words)}
    pairs = [(place[word], row) for row, word in enumerate(other.words) if word in place]
    if len(pairs) < LEAST_SHARED:
        raise ValueError(
            f"{names}: {len(pairs)} words in common, of which {LEAST_SHARED} are needed to tell whether they "
            "are of one space; give larger files"
        )
    here, there = np.array(pairs).T
    of_base, of_other = unit(base.vectors[here]), unit(other.vectors[there])
    lead = _lead(of_base, of_other)
    shown = f"{len(pairs):,} words in common are nearer than chance by a cosine of"
    if lead >= LEAST_LEAD:
        return other, f"{other.name} is of the space of {base.name}: {shown} {lead:.2f}"
    if not align:
        raise ValueError(
            f"{names} are of two spaces: {shown} {lead:.2f}, of one space by {LEAST_LEAD} at least; give "
            "files of one space, such as fastText's aligned vectors, or align them: vectors.align: true, or "
            "--align"
        )
    # Judged on words that the map was not fitted to.
    fitted = np.arange(len(pairs)) % 2 == 0
    held_out = _lead(of_base[~fitted], of_other[~fitted] @ _rotation(of_other[fitted], of_base[fitted]))
    if held_out < LEAST_LEAD:
        raise ValueError(
            f"{names}: of two spaces also when aligned: held-out words in common are nearer than chance by "
            f"a cosine of {held_out:.2f} only; give files of one space, such as fastText's aligned vectors"
        )
    turned = (other.vectors @ _rotation(of_other, of_base)).astype(np.float32)
    return other._replace(vectors=turned), (
        f"{other.name} was aligned to {base.name} by {len(pairs):,} words in common; held-out ones are "
        f"nearer than chance by a cosine of {held_out:.2f}"
    )


def _lead(left: np.ndarray, right: np.ndarray) -> float:
    """Return the mean cosine of unit vectors row by row, over that of rows drawn at random."""
    drawn = np.random.default_rng(_SEED).permutation(len(right))
    return float(np.sum(left * right, axis=1).mean() - np.sum(left * right[drawn], axis=1).mean())


def _rotation(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the orthogonal map (dimensions, dimensions) that brings rows nearest to those of `target`."""
    from scipy.linalg import orthogonal_procrustes  # only merging needs SciPy

    return orthogonal_procrustes(source, target)[0]
