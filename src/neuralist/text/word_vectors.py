"""Word vectors: read from pre-trained files, or trained with gensim on the training songs.

The matrix has a row for each token id, float32: row 0, padding, holds zeros; row 1, <unk>, stands for every
word without a vector and holds the mean of the others, so that an unknown word is neutral.
`vector_files` reads the files, and merges those of several languages.
"""

from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neuralist import files
from neuralist.config import params, records
from neuralist.config.experiment import Segmenter
from neuralist.config.records import Coverage, SplitCoverage
from neuralist.data import arrays
from neuralist.text import languages, segmentation, vector_files
from neuralist.text.tokenizer import characters, words
from neuralist.text.vector_files import SUFFIXES, Merged, Origins, VectorFile
from neuralist.text.vocabulary import Vocabulary

ORIGINS_FILE = "origins.npz"
# English lyrics are French by 5 % of their words' weights, French ones Spanish by 9 %.
OWN_TOKENS = 0.2
UNSPACED = 100  # with vectors.segmenter auto, one song or word in so many calls for a segmenter


class WordVectors(NamedTuple):
    """A vocabulary, its vectors by token id (n_tokens, dimensions), and their coverage of the songs.

    `origins` says of the vocabulary's words where their vectors are from; None for characters.
    """

    vocabulary: Vocabulary
    matrix: np.ndarray
    coverage: Coverage
    origins: Origins | None = None

    def save(self, folder: Path) -> None:
        """Write vocabulary.txt, origins.npz, vectors.npy and coverage.json."""
        self.save_words(folder)
        with files.unfinished(folder / "vectors.npy") as temporary, temporary.open("wb") as file:
            np.save(file, self.matrix)
        records.save(self.coverage, folder / "coverage.json")

    def of_words(self) -> Origins:
        """Return the origins of words.

        Raises:
            ValueError: they are characters.
        """
        if self.origins is None:
            raise ValueError("vectors: received characters, whose origins nobody knows; give words")
        return self.origins

    def save_words(self, folder: Path) -> None:
        """Write vocabulary.txt, and origins.npz of words."""
        self.vocabulary.save(folder / "vocabulary.txt")
        if self.origins is not None:
            arrays.save(folder / ORIGINS_FILE, self.origins._asdict())


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
    return WordVectors(Vocabulary.load(folder / "vocabulary.txt"), matrix, coverage, load_origins(folder))


def load_origins(folder: Path) -> Origins:
    """Read where the vectors of a folder's words are from.

    Raises:
        ValueError: the file is missing or damaged.
    """
    return Origins(**arrays.load(folder / ORIGINS_FILE, Origins._fields))


def fit(
    texts: Mapping[str, Sequence[str]], pretraining: Sequence[str], settings: params.Vectors, raw: Path
) -> WordVectors:
    """Read word vectors from files or train them, without texts of val or test.

    Args:
        texts: split (train, val, test) to its texts; the coverage is that of each split.
        pretraining: texts of pretraining; those equal to a text of val or test are dropped.
        settings: section vectors of params.yaml.
        raw: the raw folder.

    Raises:
        ValueError: a file is missing or unusable, files are of two spaces, there are too few texts to train
            on, or icu4py is missing and needed.
    """

    def allowed(segmenter: Segmenter | None) -> list[str]:
        return [*texts["train"], *without(pretraining, [*texts["val"], *texts["test"]], segmenter)]

    paths, segmenter = find_files(settings.source, raw), segmenter_for(settings.segmenter, allowed(None))
    if not paths:
        trained = train(allowed(segmenter), settings, segmenter)
        return assemble(trained, settings.length, "trained on the training songs", texts, segmenter=segmenter)
    read, notes = [vector_files.read(path) for path in paths], ()
    if isinstance(settings.source, str):
        known = {word for text in allowed(segmenter) for word in words(text, segmenter)}
        read = [_used(read[0], known, settings.most_frequent)]
    else:
        read, notes = _of_one_space(read, align=settings.align)
    segmenter = segmenter or segmenter_for(settings.segmenter, [word for file in read for word in file.words])
    counts = _counted(allowed(segmenter), segmenter)
    merged = vector_files.merge(read)
    origins = merged.origins(_own_shares(merged, counts))
    vectors, source = (
        dict(zip(merged.words, merged.vectors, strict=True)),
        " + ".join(file.name for file in read),
    )
    made = assemble(vectors, settings.length, source, texts, origins, segmenter=segmenter)
    return made._replace(coverage=made.coverage.model_copy(update={"spaces": notes or None}))


def segmenter_for(choice: str, texts: Collection[str]) -> Segmenter | None:
    """Return what cuts scripts written without spaces into words; None: nothing does.

    Args:
        choice: none, icu, or auto: icu where one text in UNSPACED or more holds such a run.
        texts: songs, or the words of a vector file.

    Raises:
        ValueError: icu4py is missing.
    """
    if choice == "none":
        return None
    if choice == "auto" and sum(map(segmentation.is_unspaced, texts)) * UNSPACED < max(len(texts), 1):
        return None
    try:
        segmentation.check("icu")
    except ValueError as error:
        raise ValueError(f"{error}, or set vectors.segmenter: none, which leaves each run a word") from None
    return "icu"


def cut_by(segmenter: Segmenter | None) -> dict[str, str | None]:
    """Return what `Coverage` holds of a segmenter and of the version installed here."""
    version = None if segmenter is None else segmentation.version()
    return {"segmenter": segmenter, "segmenter_version": version}


def _used(file: VectorFile, known: Collection[str], most_frequent: int) -> VectorFile:
    """Return the first words of a file, and those of the training songs.

    Raises:
        ValueError: there are none.
    """
    is_counted = np.array([word in known for word in file.words], dtype=bool)
    is_used = is_counted | (file.weights > vector_files.rank_weights(np.array(most_frequent)))
    if not is_used.any():
        raise ValueError(
            f"{file.name}: none of its {len(file.words):,} words is of a training song; raise "
            "vectors.most_frequent, or give another file"
        )
    return file.select(is_used)


def _of_one_space(read: Sequence[VectorFile], *, align: bool) -> tuple[list[VectorFile], tuple[str, ...]]:
    first, *others = read
    checked = [vector_files.in_one_space(first, other, align=align) for other in others]
    return [first, *(file for file, _ in checked)], tuple(note for _, note in checked)


def _own_shares(merged: Merged, counts: Mapping[str, int]) -> np.ndarray:
    """Return the share of the training songs' languages in the weight of each word, float64 (n_words,).

    Theirs are the files that OWN_TOKENS of their words are from, and the first of all.
    """
    n_tokens = np.array([counts.get(word, 0) for word in merged.words]) @ merged.shares
    is_own = n_tokens >= OWN_TOKENS * n_tokens.sum()
    is_own[np.argmax(n_tokens)] = True
    return merged.shares[:, is_own].sum(axis=1)


def without(texts: Iterable[str], excluded: Iterable[str], segmenter: Segmenter | None = None) -> list[str]:
    """Return the texts whose words differ from those of each text in `excluded`, here val and test."""
    excluded_words = {tuple(words(text, segmenter)) for text in excluded}
    return [text for text in texts if tuple(words(text, segmenter)) not in excluded_words]


def find_files(source: str | Sequence[str], raw: Path) -> list[Path]:
    """Return the files that `params.vectors.source` names; none where the vectors are to be trained.

    Args:
        source: auto, train, a path (absolute, or relative to the raw folder or to the working folder), or a
            list of paths.
        raw: the raw folder; auto looks for a single file in its folder `vectors`.

    Raises:
        ValueError: a path does not exist or comes twice, or auto finds more than one file.
    """
    if source == "train":
        return []
    if source == "auto":
        candidates = sorted(path for path in raw.glob("vectors/*") if path.name.endswith(SUFFIXES))
        if len(candidates) > 1:
            names = ", ".join(path.name for path in candidates)
            raise ValueError(
                f"{raw}/vectors holds {names}; name one of them in params.yaml, vectors.source, or list "
                "files of one space, to merge them"
            )
        return candidates
    names = [source] if isinstance(source, str) else source
    paths = [_find_file(name, raw) for name in names]
    if len({path.resolve() for path in paths}) < len(paths):
        raise ValueError(f"vectors.source: {', '.join(names)} name a file twice; list each file once")
    return paths


def _find_file(name: str, raw: Path) -> Path:
    for candidate in (raw / name, Path(name)):
        if candidate.is_file():
            return candidate
    raise ValueError(
        f"vectors.source: no file {name!r}, neither in {raw} nor here; give auto, train, a path, or a list "
        "of paths"
    )


def train(
    texts: Sequence[str], settings: params.Vectors, segmenter: Segmenter | None = None
) -> dict[str, np.ndarray]:
    """Train skip-gram vectors (Mikolov et al. 2013) with gensim; a single worker makes it repeatable.

    Raises:
        ValueError: no word occurs `min_count` times.
    """
    from gensim.models import Word2Vec  # 1.9 s that `load` need not pay

    sentences = [words(text, segmenter) for text in texts]
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
    vectors: dict[str, np.ndarray],
    length: float,
    source: str,
    texts: Mapping[str, Sequence[str]],
    origins: Origins | None = None,
    *,
    segmenter: Segmenter | None = None,
) -> WordVectors:
    """Stack vectors below the rows of padding and <unk>, and compute their coverage of the texts.

    Args:
        vectors: word to vector.
        length: Euclidean length to scale each vector to; a zero vector stays.
        source: their origin, for the report.
        texts: split (train, val, test) to its songs' lyrics.
        origins: where the vectors are from; None: from a single list, the most frequent word first.
        segmenter: of the words.
    """
    if origins is None:
        weight = vector_files.rank_weights(np.arange(len(vectors))).astype(np.float32)
        origins = Origins(weight, weight, np.ones_like(weight))
    rows = np.stack(list(vectors.values())).astype(np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.divide(length * rows, lengths, out=rows, where=lengths > 0)
    matrix = np.vstack([np.zeros_like(rows[:1]), rows.mean(axis=0, keepdims=True), rows])
    covered = {split: _coverage(_counted(lyrics, segmenter), vectors) for split, lyrics in texts.items()}
    coverage = Coverage.model_validate(
        {"source": source, "words": len(vectors), "dimensions": rows.shape[1]} | cut_by(segmenter) | covered
    )
    return WordVectors(Vocabulary(vectors), matrix, coverage, origins)


def coverage_by_language(
    lyrics: Sequence[str], spoken: Sequence[str], covered: Container[str], segmenter: Segmenter | None
) -> dict[str, SplitCoverage]:
    """Return how much of the lyrics of each language is covered; see `Coverage.languages`.

    Args:
        lyrics: of songs.
        spoken: the language of each.
        covered: the words with a vector.
        segmenter: of the words.
    """
    shown = languages.counted(Counter(spoken))
    texts: dict[str, list[str]] = {name: [] for name in shown}
    for text, name in zip(lyrics, spoken, strict=True):
        texts[name if name in shown else languages.OTHER].append(text)
    return {name: _coverage(_counted(of_language, segmenter), covered) for name, of_language in texts.items()}


def _counted(lyrics: Iterable[str], segmenter: Segmenter | None) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text in lyrics:
        counts.update(words(text, segmenter))
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
    made = assemble(dict(zip(alphabet, drawn, strict=True)), length, "characters, drawn at random", {})
    return made._replace(origins=None)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
