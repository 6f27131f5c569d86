"""Word vectors: read from a pre-trained file, or trained with gensim on the training songs.

The matrix has a row for each token id, float32: row 0, padding, holds zeros; row 1, <unk>, stands for every
word without a vector and holds the mean of the others, so that an unknown word is neutral.
Files: word2vec text (.vec, .vec.gz; fastText's wiki.simple.vec), GloVe text (.txt, the same without its first
line) and word2vec binary (.bin); https://code.google.com/archive/p/word2vec, nlp.stanford.edu/projects/glove.
"""

import gzip
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neuralist import files
from neuralist.config import params, records
from neuralist.config.records import Coverage, SplitCoverage
from neuralist.text import languages
from neuralist.text.tokenizer import characters, words
from neuralist.text.vocabulary import Vocabulary

SUFFIXES = (".vec", ".vec.gz", ".bin", ".txt", ".txt.gz")


class WordVectors(NamedTuple):
    """A vocabulary, its vectors by token id (n_tokens, dimensions), and their coverage of the songs."""

    vocabulary: Vocabulary
    matrix: np.ndarray
    coverage: Coverage

    def save(self, folder: Path) -> None:
        """Write vocabulary.txt, vectors.npy and coverage.json."""
        self.vocabulary.save(folder / "vocabulary.txt")
        with files.unfinished(folder / "vectors.npy") as temporary, temporary.open("wb") as file:
            np.save(file, self.matrix)
        records.save(self.coverage, folder / "coverage.json")


def load(folder: Path) -> WordVectors:
    """Read a folder written by `WordVectors.save`.

    Raises:
        ValueError: a file is missing or damaged.
    """
    coverage = records.load(folder / "coverage.json", Coverage)
    try:
        matrix = np.load(folder / "vectors.npy")
    except FileNotFoundError as error:
        raise ValueError(f"{error.filename}: missing; run `dvc repro vectors`") from None
    return WordVectors(Vocabulary.load(folder / "vocabulary.txt"), matrix, coverage)


def fit(
    texts: Mapping[str, Sequence[str]], pretraining: Sequence[str], settings: params.Vectors, raw: Path
) -> WordVectors:
    """Read word vectors from a file or train them, without texts of val or test.

    Args:
        texts: split (train, val, test) to its texts; the coverage is that of each split.
        pretraining: texts of pretraining; those equal to a text of val or test are dropped.
        settings: section vectors of params.yaml.
        raw: the raw folder.

    Raises:
        ValueError: the file is missing or unusable, or there are too few texts to train on.
    """
    allowed = [*texts["train"], *without(pretraining, [*texts["val"], *texts["test"]])]
    file = find_file(settings.source, raw)
    if file:
        vectors = read_file(file, {word for text in allowed for word in words(text)}, settings.most_frequent)
    else:
        vectors = train(allowed, settings)
    source = file.name if file else "trained on the training songs"
    return assemble(vectors, settings.length, source, texts)


def without(texts: Iterable[str], excluded: Iterable[str]) -> list[str]:
    """Return the texts whose words differ from those of each text in `excluded`, here val and test."""
    excluded_words = {tuple(words(text)) for text in excluded}
    return [text for text in texts if tuple(words(text)) not in excluded_words]


def find_file(source: str, raw: Path) -> Path | None:
    """Return the file that `params.vectors.source` names; None where the vectors are to be trained.

    Args:
        source: auto, train, or a path (absolute, or relative to the raw folder or to the working folder).
        raw: the raw folder; auto looks for a single file in its folder `vectors`.

    Raises:
        ValueError: the path does not exist, or auto finds more than one file.
    """
    if source == "train":
        return None
    if source == "auto":
        candidates = sorted(path for path in raw.glob("vectors/*") if path.name.endswith(SUFFIXES))
        if len(candidates) > 1:
            names = ", ".join(path.name for path in candidates)
            raise ValueError(f"{raw}/vectors holds {names}; name one of them in params.yaml, vectors.source")
        return candidates[0] if candidates else None
    for candidate in (raw / source, Path(source)):
        if candidate.is_file():
            return candidate
    raise ValueError(
        f"vectors.source: no file {source!r}, neither in {raw} nor here; give auto, train or a path"
    )


def read_file(path: Path, required: Iterable[str], most_frequent: int) -> dict[str, np.ndarray]:
    """Read the vectors of the words `required` and of the file's first `most_frequent` words.

    Entries are normalized like texts; of several spellings the first counts; entries that are not a single
    token (punctuation, phrases) are dropped.

    Raises:
        ValueError: the file is not a word vector file, or truncated.
    """
    from gensim.models import KeyedVectors  # 1.9 s that `load` need not pay

    try:
        binary = path.suffix == ".bin"
        no_header = not (binary or _has_header(path))
        entries = KeyedVectors.load_word2vec_format(str(path), binary=binary, no_header=no_header)
    except (ValueError, TypeError, EOFError, OSError, IndexError) as error:
        raise ValueError(
            f"{path}: not readable as word vectors ({error}); expected word2vec text or binary, or GloVe"
        ) from error
    required, vectors = set(required), {}
    for rank, entry in enumerate(entries.index_to_key):
        token = words(entry)
        if len(token) == 1 and token[0] not in vectors and (rank < most_frequent or token[0] in required):
            vectors[token[0]] = entries.get_vector(entry)
    if not vectors:
        raise ValueError(f"{path}: none of its {len(entries)} entries is a word; expected one word a line")
    return vectors


def _has_header(path: Path) -> bool:
    """Return whether a text file begins with word2vec's line of two counts, which GloVe's lack."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        return len(file.readline().split()) == 2


def train(texts: Sequence[str], settings: params.Vectors) -> dict[str, np.ndarray]:
    """Train skip-gram vectors (Mikolov et al. 2013) with gensim; a single worker makes it repeatable.

    Raises:
        ValueError: no word occurs `min_count` times.
    """
    from gensim.models import Word2Vec  # 1.9 s that `load` need not pay

    sentences = [words(text) for text in texts]
    try:
        model = Word2Vec(
            sentences,
            vector_size=settings.dimensions,
            window=settings.window,
            min_count=settings.min_count,
            epochs=settings.epochs,
            seed=settings.seed,
            sg=1,
            workers=1,
        )
    except RuntimeError as error:
        raise ValueError(
            f"vectors: no word occurs {settings.min_count} times in {len(texts)} training songs; "
            "lower vectors.min_count, add songs, or give a vector file"
        ) from error
    return {str(word): model.wv.get_vector(word) for word in model.wv.index_to_key}


def assemble(
    vectors: dict[str, np.ndarray], length: float, source: str, texts: Mapping[str, Sequence[str]]
) -> WordVectors:
    """Stack vectors below the rows of padding and <unk>, and compute their coverage of the texts.

    Args:
        vectors: word to vector.
        length: Euclidean length to scale each vector to; a zero vector stays.
        source: their origin, for the report.
        texts: split (train, val, test) to its songs' lyrics.
    """
    rows = np.stack(list(vectors.values())).astype(np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.divide(length * rows, lengths, out=rows, where=lengths > 0)
    matrix = np.vstack([np.zeros_like(rows[:1]), rows.mean(axis=0, keepdims=True), rows])
    covered = {split: _coverage(_counted(lyrics), vectors) for split, lyrics in texts.items()}
    coverage = Coverage(
        source=source,
        words=len(vectors),
        dimensions=rows.shape[1],
        train=covered.get("train"),
        val=covered.get("val"),
        test=covered.get("test"),
    )
    return WordVectors(Vocabulary(vectors), matrix, coverage)


def coverage_by_language(
    lyrics: Sequence[str], spoken: Sequence[str], covered: Container[str]
) -> dict[str, SplitCoverage]:
    """Return how much of the lyrics of each language is covered; see `Coverage.languages`.

    Args:
        lyrics: of songs.
        spoken: the language of each.
        covered: the words with a vector.
    """
    shown = languages.counted(Counter(spoken))
    texts: dict[str, list[str]] = {name: [] for name in shown}
    for text, name in zip(lyrics, spoken, strict=True):
        texts[name if name in shown else languages.OTHER].append(text)
    return {name: _coverage(_counted(of_language), covered) for name, of_language in texts.items()}


def _counted(lyrics: Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text in lyrics:
        counts.update(words(text))
    return counts


def _coverage(counts: Counter[str], covered: Container[str]) -> SplitCoverage:
    with_vector = [count for word, count in counts.items() if word in covered]
    return SplitCoverage(
        tokens=counts.total(),
        token_coverage=_share(sum(with_vector), counts.total()),
        word_coverage=_share(len(with_vector), len(counts)),
    )


def of_characters(texts: Iterable[str], dimensions: int, length: float, seed: int) -> WordVectors:
    """Return random vectors for the characters in texts, to be trained with a model."""
    alphabet = sorted({character for text in texts for character in characters(text)})
    drawn = np.random.default_rng(seed).normal(size=(len(alphabet), dimensions))
    return assemble(dict(zip(alphabet, drawn, strict=True)), length, "characters, drawn at random", {})


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
