"""Pack the best experiment as a served folder.

Input: metrics of `evaluation.evaluate`, the experiments' folders, tables songs and pairs.
Output: artifacts/served/. encoder.onnx, vocabulary.txt, experiment.json and, where it is learned,
similarity.npz: the encoder's files, with origins.npz of words and representatives.npz of a bag of words;
catalogue.parquet (tables.CATALOGUE) and embeddings.npy, float32 (n_songs, units), in one order; blend.json,
how artist, year and tags of a query take part in the ranking;
training_songs.txt, one id per line, and training_texts.txt, a digest of each of their texts; drift.json, how
these songs are distributed; served.json, a `ServedModel`; card.md; fusion.npz where TF-IDF takes part. No
lyrics but the first words of songs without artist and title, no pickle; the same input gives the same bytes.
Where there is nothing to serve, the folder holds only card.md, which says why.

The catalogue's songs need not be those of the data: `renew` gives a packed model another catalogue.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from neuralist import files, metrics
from neuralist.config import corpus, records
from neuralist.config.records import ExperimentMetrics, ExperimentRecord, ServedModel
from neuralist.data import parquet, tables
from neuralist.data.splits import songs_of
from neuralist.evaluation import selection
from neuralist.model import averaged_vectors, extension, fusion, representatives, style_answers, word_table
from neuralist.model.encoder import Encoder, PairSimilarity, Reading
from neuralist.model.extension import GRAPH, Extension
from neuralist.model.similarity import WEIGHTS_FILE
from neuralist.serving import blending, drift, model_card
from neuralist.serving.catalogue import catalogue_schema
from neuralist.text import equal_texts, genres, names
from neuralist.text.word_vectors import ORIGINS_FILE

TRAINING_SONGS, TRAINING_TEXTS = "training_songs.txt", "training_texts.txt"
COPIED = (GRAPH, "vocabulary.txt", "experiment.json")
MAX_PAIRS = 1_000_000  # to compute the quantiles from
PAIRS_AT_ONCE = 50_000  # 20 MB an array at 50 units
SEED = 2017


def explain_unserved(experiments: Mapping[str, ExperimentMetrics], metric: str) -> str:
    """Return the text of card.md where no experiment can be served: the reason, and the fix."""
    if {experiment.protocol for experiment in experiments.values()} == {"paper"}:
        reason = (
            "every experiment uses protocol paper, whose split leaks; "
            "add one of protocol songs to `experiments`"
        )
    else:
        reason = (
            f"val gives no {metric} for any experiment of protocol songs or given; see artifacts/results.md"
        )
    return f"Nothing is served: {reason}.\n"


def quantiles(n_songs: int, similarity: PairSimilarity) -> list[float]:
    """Return the percentiles 0, 1, ..., 100 of the similarities of all pairs of songs.

    Of more than MAX_PAIRS pairs, MAX_PAIRS are drawn with replacement.

    Args:
        n_songs: of the catalogue.
        similarity: the model's, of pairs of them.

    Raises:
        ValueError: there are fewer than two songs.
    """
    if n_songs < 2:
        raise ValueError(
            f"songs: received {n_songs}, versions as one; a catalogue needs two, add songs to the raw data"
        )
    if n_songs * (n_songs - 1) // 2 <= MAX_PAIRS:
        left, right = np.triu_indices(n_songs, k=1)
    else:
        draw = np.random.default_rng(SEED)
        left = draw.integers(n_songs, size=MAX_PAIRS)
        right = (left + draw.integers(1, n_songs, size=MAX_PAIRS)) % n_songs
    chunks = [slice(start, start + PAIRS_AT_ONCE) for start in range(0, len(left), PAIRS_AT_ONCE)]
    values = [similarity(left[chunk], right[chunk]) for chunk in chunks]
    return [metrics.rounded(value) for value in np.quantile(np.concatenate(values), np.linspace(0, 1, 101))]


@dataclass(frozen=True)
class Chosen:
    """The experiment to serve, with the content of its model card.

    Attributes:
        trained: content of experiment.json.
        evaluated: its metrics.
        metric: the metric that chose it, one of metric_table.CHOOSING.
        level: confidence level of the intervals, in (0, 1).
        note: the corpus' description of itself.
    """

    trained: ExperimentRecord
    evaluated: ExperimentMetrics
    metric: str
    level: float
    note: str

    def served(self, quantiles: list[float]) -> ServedModel:
        """Return the content of served.json, but for the digest of the other files, not written yet."""
        val, test = self.evaluated.splits["val"], self.evaluated.splits["test"]
        leads = selection.leads(self.evaluated, self.metric)
        lags = tuple(name for name, lead in leads.items() if lead <= 0)
        return ServedModel(
            format=records.FORMAT,
            experiment=self.trained.name,
            fingerprint=self.trained.fingerprint,
            corpus_note=self.note,
            threshold=self.evaluated.thresholds["model"].f1,
            metric=self.metric,
            value=val.metrics[self.metric],
            protocol=self.evaluated.protocol,
            beats_baselines=bool(leads) and not lags,
            lags=lags,
            n_pairs={"train": self.trained.n_pairs["train"], "val": val.n_pairs, "test": test.n_pairs},
            quantiles=tuple(quantiles),
            content="",
        )


class Inputs(NamedTuple):
    """The files that an experiment is packed with: songs, pairs, the catalogue's songs, and corpus.json."""

    songs: Path
    pairs: Path
    catalogue: Path
    corpus: Path

    @classmethod
    def of(cls, artifacts: Path) -> "Inputs":
        """Return those of a checkout's artifacts/."""
        names = "songs.parquet", "pairs.parquet", "catalogue_songs.parquet", "corpus.json"
        return cls(*(artifacts / name for name in names))


class TrainingSongs(NamedTuple):
    """The songs that a packed model was trained on: their ids, and the digests of their texts."""

    ids: set[str]
    texts: set[str]


class Offered(NamedTuple):
    """What a folder says of its catalogue, when this is written.

    Attributes:
        quantiles: see `quantiles`.
        reading: of all songs that were to be offered.
        languages: of these.
        n_unnamed: songs of the catalogue without artist and title.
    """

    quantiles: list[float]
    reading: Reading
    languages: list[str]
    n_unnamed: int


def pack(
    source: Path,
    evaluated: ExperimentMetrics,
    inputs: Inputs,
    out: Path,
    *,
    metric: str,
    level: float,
    genre_lists: dict[str, tuple[str, ...]] | None,
) -> ServedModel:
    """Write the folder that serves an experiment; returns what served.json says.

    Args:
        source: the experiment's folder.
        evaluated: its metrics.
        inputs: the tables and the description of the corpus to pack with it.
        out: the folder to write.
        metric: the metric by which it was chosen, one of metric_table.CHOOSING.
        level: confidence level of the intervals, in (0, 1).
        genre_lists: tags of each genre, `songs.genres` of params.yaml; None: those of text/genres.yaml.

    Raises:
        ValueError: a file is missing or damaged, or there are fewer than two songs.
    """
    note = corpus.load(inputs.corpus).note
    chosen = Chosen(records.load_experiment(source), evaluated, metric, level, note)
    songs, pairs = parquet.read(inputs.songs, tables.SONGS), parquet.read(inputs.pairs, tables.PAIRS)
    catalogue = parquet.read(inputs.catalogue, tables.SONGS)
    return save(chosen, source, songs, pairs, out, genre_lists=genre_lists, catalogue=catalogue)


def save(
    chosen: Chosen,
    source: Path,
    songs: pd.DataFrame,
    pairs: pd.DataFrame,
    out: Path,
    *,
    genre_lists: dict[str, tuple[str, ...]] | None = None,
    catalogue: pd.DataFrame | None = None,
) -> ServedModel:
    """Write the served folder; returns the content of served.json.

    Args:
        chosen: the experiment.
        source: its folder.
        songs: tables.SONGS of the data that trained and evaluated it.
        pairs: tables.PAIRS.
        out: the served folder.
        genre_lists: see `pack`.
        catalogue: tables.SONGS to recommend; those with a word that the model knows are. None: `songs`.

    Raises:
        ValueError: a file of the experiment is missing, or there are fewer than two songs.
    """
    encoder = _copied(source, chosen.trained, out)
    catalogue = songs if catalogue is None else catalogue
    texts = [encoder.clean(text) for text in catalogue["lyrics"]]
    reading = encoder.read(texts, cleaned=True)
    offered = _write_catalogue(encoder, catalogue, texts, reading, tables.CATALOGUE, out)
    # From the data, so that a change of the catalogue changes no score.
    song_texts = [encoder.clean(text) for text in songs["lyrics"]]
    of_songs = _read_more(encoder, song_texts, texts, reading)
    is_known = np.flatnonzero(of_songs.known)
    embeddings = of_songs.embeddings[is_known]
    served = chosen.served(offered.quantiles)
    learned = blending.learn(
        songs.iloc[is_known].reset_index(drop=True),
        pairs,
        lambda left, right: encoder.similarity(embeddings[left], embeddings[right]),
        served.protocol,
        genres.by_tag(genre_lists),
    )
    records.save(learned, out / records.BLEND)
    # Training on unlisted pairs or auxiliary heads uses all songs of the training folds.
    settings = chosen.trained.params
    uses_all = bool(settings.heads) or settings.target == "observable"
    masks = songs_of(songs, pairs, by_fold=served.protocol == "songs" and uses_all)
    is_train = masks["train"]
    _write_training_songs(songs.loc[is_train], out)
    is_unseen = (masks["val"] | masks["test"]) & ~is_train
    reference = drift.learn(drift.Songs(song_texts, songs, of_songs), is_train, is_unseen)
    records.save(reference, out / records.DRIFT)
    of_catalogue = model_card.catalogue(
        offered.reading, offered.languages, encoder.windowing.unit, n_unnamed=offered.n_unnamed
    )
    card = model_card.card(served, chosen.trained, chosen.evaluated, chosen.level, of_catalogue)
    files.write_text(out / "card.md", card)
    return _finished(served, out)


def renew(folder: Path, catalogue: pd.DataFrame, out: Path) -> ServedModel:
    """Write a packed model with another catalogue; returns the content of its served.json.

    Its encoder, its threshold, its blend and the figures of its card stay; the songs, the quantiles and what
    the card says of the catalogue are new. The format stays too: an earlier one holds less of each song.

    Args:
        folder: the served folder, of any format.
        catalogue: tables.SONGS to recommend; those with a word that the model knows are.
        out: the folder to write, another one.

    Raises:
        ValueError: a file of the folder is missing or damaged, or there are fewer than two songs.
    """
    served, encoder = records.load_served(folder), Encoder.load(folder)
    shutil.copytree(folder, out, dirs_exist_ok=True)
    texts = [encoder.clean(text) for text in catalogue["lyrics"]]
    reading = encoder.read(texts, cleaned=True)
    offered = _write_catalogue(encoder, catalogue, texts, reading, catalogue_schema(served.format), out)
    of_catalogue = model_card.catalogue(
        offered.reading, offered.languages, encoder.windowing.unit, n_unnamed=offered.n_unnamed
    )
    card = (folder / "card.md").read_text(encoding="utf-8")
    files.write_text(out / "card.md", model_card.with_catalogue(card, of_catalogue))
    return _finished(served.model_copy(update={"quantiles": tuple(offered.quantiles)}), out)


def extend(
    folder: Path, paths: Sequence[Path], catalogue: pd.DataFrame, out: Path, *, align: bool
) -> tuple[ServedModel, Extension]:
    """Write a packed model with the words of further vector files; see `model.extension`.

    The catalogue is read anew. Threshold, blend and drift.json stay, and so do the figures of the card, which
    says what was added.

    Args:
        folder: the served folder.
        paths: the files.
        catalogue: tables.SONGS to recommend; those with a word that the model knows are.
        out: the folder to write, another one.
        align: whether files of another space are turned into the model's.

    Returns:
        The content of the new served.json, and what was added.

    Raises:
        ValueError: the model cannot be extended, a file is unusable or of another space, or there are fewer
            than two songs.
    """
    with files.temporary_folder() as scratch:
        extended = scratch / "extended"
        added = extension.extend(folder, paths, extended, align=align)
        card = (folder / "card.md").read_text(encoding="utf-8")
        files.write_text(extended / "card.md", model_card.with_extension(card, added))
        return renew(extended, catalogue, out), added


def load_training_songs(folder: Path) -> TrainingSongs:
    """Read which songs a served folder was trained on; one of an earlier version has no texts."""
    ids = (folder / TRAINING_SONGS).read_text(encoding="utf-8").splitlines()
    texts = folder / TRAINING_TEXTS
    digests = texts.read_text(encoding="utf-8").splitlines() if texts.exists() else []
    return TrainingSongs(set(ids), set(digests))


def _write_training_songs(songs: pd.DataFrame, out: Path) -> None:
    # Other data of this corpus may name the same texts by other ids.
    digests = {equal_texts.digest(text) for text in songs["lyrics"]}
    for name, lines in ((TRAINING_SONGS, songs["song_id"]), (TRAINING_TEXTS, digests)):
        files.write_text(out / name, "".join(f"{line}\n" for line in sorted(lines)))


def _read_more(encoder: Encoder, wanted: list[str], texts: list[str], reading: Reading) -> Reading:
    """Return the reading of cleaned texts, of which most are among those that were read already."""
    numbers = {text: number for number, text in enumerate(texts)}
    more = [text for text in dict.fromkeys(wanted) if text not in numbers]
    if more:
        numbers |= {text: number for number, text in enumerate(more, start=len(texts))}
        both = zip(reading, encoder.read(more, cleaned=True), strict=True)
        reading = Reading(*(np.concatenate(columns) for columns in both))
    rows = [numbers[text] for text in wanted]
    return Reading(*(column[rows] for column in reading))


def _write_catalogue(
    encoder: Encoder,
    songs: pd.DataFrame,
    texts: list[str],
    reading: Reading,
    schema: pa.Schema,
    out: Path,
) -> Offered:
    """Write catalogue.parquet and embeddings.npy of the songs with a word that the encoder knows.

    Args:
        encoder: of the model.
        songs: tables.SONGS.
        texts: of the songs, cleaned.
        reading: of these.
        schema: of the catalogue.
        out: the served folder.

    Raises:
        ValueError: there are fewer than two songs.
    """
    # Songs of no known word would be each other's nearest.
    is_known = np.flatnonzero(reading.known)
    embeddings, catalogue = reading.embeddings[is_known], songs.iloc[is_known]
    is_first = ~catalogue["group_id"].duplicated().to_numpy()  # answers show one song of its versions
    first_texts = [texts[song] for song in is_known[is_first]]
    drawn = quantiles(len(first_texts), encoder.pair_similarity(first_texts, embeddings[is_first]))
    is_unnamed = catalogue["artist"].isna() & catalogue["title"].isna()
    catalogue = catalogue.assign(first_words=catalogue.loc[is_unnamed, "lyrics"].map(names.first_words))
    tags = blending.all_tags(catalogue)
    catalogue["tags"] = [[*of_song] for of_song in tags]
    catalogue["tag_weights"] = [[*of_song.values()] for of_song in tags]
    parquet.write(catalogue.filter(schema.names), schema, out / "catalogue.parquet")
    with files.unfinished(out / "embeddings.npy") as temporary, temporary.open("wb") as file:
        np.save(file, embeddings)
    return Offered(drawn, reading, songs["language"].tolist(), int(is_unnamed.sum()))


def _finished(served: ServedModel, out: Path) -> ServedModel:
    """Write served.json, the last of the folder's files, with the digest of the others."""
    served = served.model_copy(update={"content": _digest(out)})
    records.save(served, out / "served.json")
    return served


def _copied(source: Path, trained: ExperimentRecord, out: Path) -> Encoder:
    """Copy the files of an experiment's folder that its encoder needs; returns the encoder of the copy.

    Word vectors of several languages are many, and are stored as int8; those that were trained stay as they
    are, since each encoder of an ensemble has its own.
    """
    encoder = Encoder.load(source)
    out.mkdir(parents=True, exist_ok=True)
    beside = [name for name in (ORIGINS_FILE, representatives.FILE) if (source / name).is_file()]
    for name in [*_needed(encoder), *beside]:
        with files.unfinished(out / name) as temporary:
            shutil.copyfile(source / name, temporary)
    if trained.coverage.spaces is None or trained.params.vectors == "trained":
        return encoder
    vectors = word_table.read(source / GRAPH)
    word_table.write(source / GRAPH, vectors, out / GRAPH, quantise=True)
    return Encoder.load(out)


def _needed(encoder: Encoder) -> list[str]:
    """Return the files of an experiment's folder that its encoder needs."""
    parts = {
        WEIGHTS_FILE: encoder.similarity.has_weights,
        fusion.FILE: encoder.fusion is not None,
        style_answers.FILE: encoder.style is not None,
        averaged_vectors.FILE: encoder.averaged_vectors is not None,
    }
    return [*COPIED, *(name for name, is_needed in parts.items() if is_needed)]


def _digest(folder: Path) -> str:
    """Return a digest of all files but served.json, which holds it."""
    paths = sorted(path for path in folder.iterdir() if path.name != "served.json")
    return files.digest_all({path.name: path for path in paths})
