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

import codecs
import gzip
import zlib
from array import array
from collections.abc import Iterator, Sequence
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
MOST_BYTES = 1_900_000_000  # of vectors as float32: a graph of ONNX holds 2 GiB
_SEED = 2017
_EXPECTED = (
    "expected a word and its numbers a line, with a space between (word2vec, GloVe, fastText's .vec), or "
    "word2vec's .bin"
)
_FASTTEXT = (793712314).to_bytes(4, "little")  # begins fastText's models, which end in .bin too
_LONGEST_HEADER = 100  # bytes


class VectorFile(NamedTuple):
    """The words of a file, each once, in its order; or those of a trained model, as if they were a file.

    Attributes:
        name: of the file, for messages.
        words: as texts have them.
        vectors: float32 (n_words, dimensions), as they stand in the file.
        weights: float64 (n_words,), see `Origins`; of a file 1 / (10 + rank), of each word's first entry.
        norms: float64 (n_words,), see `Origins`; of a file its weights.
    """

    name: str
    words: tuple[str, ...]
    vectors: np.ndarray
    weights: np.ndarray
    norms: np.ndarray

    def select(self, rows: np.ndarray) -> "VectorFile":
        """Return some of the words, int64 or bool, in the order of the file."""
        chosen = np.arange(len(self.words))[rows]
        return self._replace(
            words=tuple(self.words[row] for row in chosen.tolist()),
            vectors=self.vectors[chosen],
            weights=self.weights[chosen],
            norms=self.norms[chosen],
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
        vectors: float32; of a word that a single file has, that file's own; else of any length.
        is_shared: bool (n_words,), whether several files have the word.
        weights: float64 (n_words, n_files), 0 where a file lacks the word.
        norms: float64 (n_words,), see `Origins.norm`.
    """

    words: tuple[str, ...]
    vectors: np.ndarray
    is_shared: np.ndarray
    weights: np.ndarray
    norms: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """The share of each file in the weight of each word, float64 (n_words, n_files)."""
        return self.weights / self.weights.sum(axis=1, keepdims=True)

    def origins(self, own: np.ndarray) -> Origins:
        """Return where the vectors are from.

        Args:
            own: see `Origins.own`, float (n_words,).
        """
        columns = self.weights.sum(axis=1), self.norms, own
        return Origins(*(column.astype(np.float32) for column in columns))


def read(path: Path) -> VectorFile:
    """Read the words of a file.

    Entries are normalized like texts; of several spellings, or of an entry that comes twice, the first
    counts; entries that are not a single token (punctuation, phrases) are dropped.

    Raises:
        ValueError: the file is not a word vector file, is truncated, holds no word, or a vector that is not
            of finite numbers.
    """
    ranks: dict[str, int] = {}
    numbers, rank, dimensions = array("f"), -1, 0  # grows in place: a first line that lies costs no memory
    for rank, (entry, vector) in enumerate((_binary if path.suffix == ".bin" else _lines)(path)):
        tokens = words(entry)
        if len(tokens) == 1 and tokens[0] not in ranks:
            ranks[tokens[0]] = rank
            numbers.frombytes(vector.tobytes())
            dimensions = len(vector)
    if not ranks:
        raise ValueError(f"{path}: none of its {rank + 1:,} entries is a word; {_EXPECTED}")
    vectors = np.frombuffer(numbers, dtype=np.float32).reshape(-1, dimensions)
    if not np.isfinite(vectors).all():
        word = list(ranks)[int(np.argmin(np.isfinite(vectors).all(axis=1)))]
        raise ValueError(
            f"{path}: the vector of {word[:40]!r} holds NaN or infinity; leave that line out, "
            "and correct the count in the first line"
        )
    weights = rank_weights(np.fromiter(ranks.values(), dtype=np.int64, count=len(ranks)))
    return VectorFile(path.name, tuple(ranks), vectors, weights, weights)


def rank_weights(ranks: np.ndarray) -> np.ndarray:
    """Return the weights of words by their ranks in a file, from 0."""
    return 1 / (RANK_OFFSET + ranks.astype(np.float64))


def _binary(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the entries of a file in word2vec's binary format, each with its float32 vector."""
    from gensim.models import KeyedVectors  # 1.9 s that others need not pay

    try:
        with path.open("rb") as file:
            header = file.readline(_LONGEST_HEADER)
        if header.startswith(_FASTTEXT):
            raise ValueError("a model of fastText; give the file of its vectors, which ends in .vec")
        n_entries, dimensions = _counts(header)
        if n_entries * dimensions * 4 > path.stat().st_size:
            raise ValueError(f"its first line counts {n_entries:,} vectors, more than it holds; get it anew")
        entries = KeyedVectors.load_word2vec_format(str(path), binary=True)
    except (ValueError, TypeError, EOFError, OSError, IndexError) as error:
        raise ValueError(f"{path}: not readable as word vectors ({error}); {_EXPECTED}") from error
    # Of an entry that comes twice gensim keeps the first, and leaves None at the end of the list.
    named = [entry for entry in entries.index_to_key if entry is not None]
    yield from zip(named, entries.vectors[: len(named)], strict=True)


def _lines(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the entries of a text file, each with its float32 vector; empty lines are skipped.

    Gensim reads such files too, but says no line, reads as many lines as the first one counts and no more,
    and takes the memory that it counts.
    """
    number = n_entries = 0
    expected, dimensions = None, 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                line = (raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw).rstrip()
                if not line:
                    continue
                if number == 1 and len(line.split()) == 2:
                    expected, dimensions = _counts(line)
                    continue
                # From the right, for some entries of GloVe's hold spaces; the first one never does.
                entry, *fields = line.rsplit(b" ", dimensions if n_entries else -1)
                dimensions = dimensions or len(fields)
                if not fields or len(fields) != dimensions:
                    wanted = f"{dimensions:,} as in its first line" if dimensions else "a vector"
                    raise ValueError(f"{len(fields):,} numbers behind a word, not {wanted}")
                with np.errstate(over="ignore"):  # infinite then, and refused as such
                    vector = np.array(fields, dtype=np.float64).astype(np.float32)
                yield entry.decode(), vector
                n_entries += 1
    except UnicodeDecodeError as error:
        shown = error.object[:40].decode(errors="replace")
        raise ValueError(f"{path}, line {number:,}: {shown!r} is not UTF-8; save the file as such") from None
    except (ValueError, EOFError, OSError, zlib.error) as error:
        reason = f"{type(error).__name__}: {error}" if isinstance(error, zlib.error) else error
        raise ValueError(
            f"{path}, line {max(number, 1):,}: not readable as word vectors ({reason}); {_EXPECTED}"
        ) from error
    if expected not in (None, n_entries):
        raise ValueError(
            f"{path}: its first line counts {expected:,} words, but {n_entries:,} follow; "
            "get the file anew, or correct that line"
        )


def _counts(header: bytes) -> tuple[int, int]:
    """Return the number of entries and of dimensions that word2vec's first line tells."""
    try:
        n_entries, dimensions = map(int, header.split())
    except ValueError:
        shown = header.strip()[:40].decode(errors="replace")
        raise ValueError(f"its first line is {shown!r}, not two counts") from None
    if n_entries < 0 or dimensions < 1:
        raise ValueError(f"its first line counts {n_entries:,} words of {dimensions:,} dimensions")
    return n_entries, dimensions


def merge(files: Sequence[VectorFile]) -> Merged:
    """Merge files of one space; see the module.

    Raises:
        ValueError: they hold more words than a graph of ONNX.
    """
    numbers = {
        word: row for row, word in enumerate(dict.fromkeys(word for file in files for word in file.words))
    }
    dimensions = files[0].vectors.shape[1]
    if len(numbers) * dimensions * 4 > MOST_BYTES:
        raise ValueError(
            f"{', '.join(file.name for file in files)}: {len(numbers):,} words of {dimensions} dimensions, "
            f"of which a model holds {MOST_BYTES // (4 * dimensions):,}; cut each file to its first words"
        )
    vectors = np.zeros((len(numbers), dimensions), dtype=np.float32)
    weights, n_files = np.zeros((len(numbers), len(files))), np.zeros(len(numbers), dtype=np.int64)
    rows_of = [np.array([numbers[word] for word in file.words], dtype=np.int64) for file in files]
    for column, (file, rows) in enumerate(zip(files, rows_of, strict=True)):
        weights[rows, column] = file.weights
        vectors[rows] = file.vectors
        n_files[rows] += 1
    is_shared = n_files > 1
    place = np.cumsum(is_shared) - 1  # of shared words among themselves
    sums = np.zeros((np.count_nonzero(is_shared), vectors.shape[1]))
    norms = np.zeros(len(numbers))
    for file, rows in zip(files, rows_of, strict=True):
        norms[rows] = file.norms
        of_shared = is_shared[rows]
        sums[place[rows[of_shared]]] += unit(file.vectors[of_shared]) * file.norms[of_shared, None]
    norms[is_shared] = np.linalg.norm(sums, axis=1)
    vectors[is_shared] = sums
    return Merged(tuple(numbers), vectors, is_shared, weights, norms)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of length 1, float64; zeros stay."""
    exact = vectors.astype(np.float64)
    lengths = np.linalg.norm(exact, axis=1, keepdims=True)
    return np.divide(exact, lengths, out=exact, where=lengths > 0)


def in_one_space(base: VectorFile, other: VectorFile, *, align: bool) -> tuple[VectorFile, str]:
    """Return a file in the space of another one, and how that was made sure, as a sentence.

    Files of two scripts have few words in common, so of these nothing is known, and they are taken as given.

    Args:
        base: the file whose space counts.
        other: the file to bring there.
        align: whether to turn it by an orthogonal map where it is of another space.

    Raises:
        ValueError: the two differ in dimensions, are of two spaces, or stay so, or are to be aligned and
            share too few words.
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
        told = f"{len(pairs)} words in common, of which {LEAST_SHARED} tell whether they are of one space"
        if align:
            raise ValueError(
                f"{names}: {told}, and nothing else aligns them; leave align out to take them as given"
            )
        return other, f"{other.name} was not checked against {base.name}: {told}"
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
