"""Pack the best experiment as a served folder.

Input: metrics of `evaluation.evaluate`, the experiments' folders, tables songs and pairs.
Output: artifacts/served/. encoder.onnx, vocabulary.txt, experiment.json and, where it is learned,
similarity.npz: the encoder's files;
catalogue.parquet (tables.CATALOGUE) and embeddings.npy, float32 (n_songs, units), in one order; blend.json,
how artist, year and tags of a query take part in the ranking;
training_songs.txt, one id per line, and training_texts.txt, a digest of each of their texts; drift.json, how
these songs are distributed; served.json, a `ServedModel`; card.md; fusion.npz where TF-IDF takes part. No
lyrics but the first words of songs without artist and title, no pickle; the same input gives the same bytes.
Where there is nothing to serve, the folder holds only card.md, which says why.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from neuralist import files, metrics
from neuralist.config import corpus, records
from neuralist.config.records import ExperimentMetrics, ExperimentRecord, ServedModel
from neuralist.data import parquet, tables
from neuralist.data.splits import songs_of
from neuralist.evaluation import selection
from neuralist.model import fusion, style_answers
from neuralist.model.encoder import Encoder, PairSimilarity
from neuralist.model.similarity import WEIGHTS_FILE
from neuralist.serving import blending, drift, model_card
from neuralist.text import equal_texts, genres, names

COPIED = ("encoder.onnx", "vocabulary.txt", "experiment.json")
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
    """The files that an experiment is packed with: tables songs and pairs, and corpus.json."""

    songs: Path
    pairs: Path
    corpus: Path


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
    return save(chosen, source, songs, pairs, out, genre_lists)


def save(
    chosen: Chosen,
    source: Path,
    songs: pd.DataFrame,
    pairs: pd.DataFrame,
    out: Path,
    genre_lists: dict[str, tuple[str, ...]] | None = None,
) -> ServedModel:
    """Write the served folder; returns the content of served.json.

    Args:
        chosen: the experiment.
        source: its folder.
        songs: tables.SONGS; those with a word that the model knows form the catalogue.
        pairs: tables.PAIRS.
        out: the served folder.
        genre_lists: see `pack`.

    Raises:
        ValueError: a file of the experiment is missing, or there are fewer than two songs.
    """
    encoder = Encoder.load(source)
    texts = [encoder.clean(text) for text in songs["lyrics"]]
    reading = encoder.read(texts, cleaned=True)
    # Songs of no known word would be each other's nearest.
    is_known = np.flatnonzero(reading.known)
    embeddings, catalogue = reading.embeddings[is_known], songs.iloc[is_known]
    is_first = ~catalogue["group_id"].duplicated().to_numpy()  # answers show one song of its versions
    first_texts = [texts[song] for song in is_known[is_first]]
    similarity = encoder.pair_similarity(first_texts, embeddings[is_first])
    served = chosen.served(quantiles(len(first_texts), similarity))
    out.mkdir(parents=True, exist_ok=True)
    for name in _copied(encoder):
        with files.unfinished(out / name) as temporary:
            shutil.copyfile(source / name, temporary)
    learned = blending.learn(
        catalogue.reset_index(drop=True),
        pairs,
        lambda left, right: encoder.similarity(embeddings[left], embeddings[right]),
        served.protocol,
        genres.by_tag(genre_lists),
    )
    records.save(learned, out / records.BLEND)
    is_unnamed = catalogue["artist"].isna() & catalogue["title"].isna()
    catalogue = catalogue.assign(first_words=catalogue.loc[is_unnamed, "lyrics"].map(names.first_words))
    tags = blending.all_tags(catalogue)
    catalogue["tags"] = [[*of_song] for of_song in tags]
    catalogue["tag_weights"] = [[*of_song.values()] for of_song in tags]
    parquet.write(catalogue.filter(tables.CATALOGUE.names), tables.CATALOGUE, out / "catalogue.parquet")
    with files.unfinished(out / "embeddings.npy") as temporary, temporary.open("wb") as file:
        np.save(file, embeddings)
    # Training on unlisted pairs or auxiliary heads uses all songs of the training folds.
    settings = chosen.trained.params
    uses_all = bool(settings.heads) or settings.target == "observable"
    masks = songs_of(songs, pairs, by_fold=served.protocol == "songs" and uses_all)
    is_train = masks["train"]
    trained_on = sorted(songs.loc[is_train, "song_id"])
    files.write_text(out / "training_songs.txt", "".join(f"{song}\n" for song in trained_on))
    # Other data of this corpus may name the same texts by other ids.
    digests = sorted({equal_texts.digest(text) for text in songs.loc[is_train, "lyrics"]})
    files.write_text(out / "training_texts.txt", "".join(f"{digest}\n" for digest in digests))
    is_unseen = (masks["val"] | masks["test"]) & ~is_train
    reference = drift.learn(drift.Songs(texts, songs, reading), is_train, is_unseen)
    records.save(reference, out / records.DRIFT)
    card = model_card.card(
        served, chosen.trained, chosen.evaluated, chosen.level, reading.known, n_unnamed=int(is_unnamed.sum())
    )
    files.write_text(out / "card.md", card)
    served = served.model_copy(update={"content": _digest(out)})
    records.save(served, out / "served.json")
    return served


def _copied(encoder: Encoder) -> list[str]:
    """Return the files of an experiment's folder that its encoder needs."""
    learned = [WEIGHTS_FILE] if encoder.similarity.has_weights else []
    beside = [fusion.FILE] if encoder.fusion else []
    return [*COPIED, *learned, *beside, *([style_answers.FILE] if encoder.style else [])]


def _digest(folder: Path) -> str:
    """Return a digest of all files but served.json, which holds it."""
    paths = sorted(path for path in folder.iterdir() if path.name != "served.json")
    return files.digest_all({path.name: path for path in paths})
