"""Evaluate a trained model and its baselines on any raw folder; the model is not trained further.

Input: the folder of a trained or served model, a raw folder of either form. Output: metrics of
`evaluation.evaluate`, where the pairs to score are split test; notes for the reader.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from neuralist.config import params, records
from neuralist.config.records import Coverage, ExperimentMetrics
from neuralist.data import tables
from neuralist.data.pair_sets import Listings
from neuralist.data.songs import Things, things
from neuralist.evaluation import evaluation
from neuralist.ingest import pairs, songs
from neuralist.ingest.sources import formats, generic_csv
from neuralist.model import word_table
from neuralist.model.encoder import Encoder
from neuralist.text import word_vectors
from neuralist.text.vocabulary import UNKNOWN

SPLITS = ("train", "val", "test", "all")


class Scores(NamedTuple):
    """Metrics by the model's name, notes on how to read them, and the word for what was compared."""

    metrics: dict[str, ExperimentMetrics]
    notes: list[str]
    things: Things


class PairsToScore(NamedTuple):
    """Songs and pairs; the pairs to score are of split test.

    Attributes:
        songs: tables.SONGS.
        pairs: tables.PAIRS.
        which: a sentence on which pairs are scored.
        notes: how many records are not used, and why.
    """

    songs: pd.DataFrame
    pairs: pd.DataFrame
    which: str
    notes: list[str]


def score(model: Path, raw: Path, settings: params.Params, split: str = "test") -> Scores:
    """Evaluate a trained model and its baselines on a raw folder's pairs.

    Args:
        model: folder with encoder.onnx, vocabulary.txt and experiment.json.
        raw: the raw folder.
        settings: similarity_range, songs, pairs and evaluate are used.
        split: the pairs to score, one of SPLITS; all pairs where the folder has no split column.

    Raises:
        ValueError: a file of either folder is missing or invalid, or no pair is in `split`.
    """
    encoder, experiment = Encoder.load(model), records.load_experiment(model)
    name = experiment.name
    to_score = read(raw, settings, split)
    listings = Listings(_empty(tables.ROWS), to_score.pairs, _empty(tables.UNLISTED))
    predictions = evaluation.predict(name, encoder, to_score.songs, listings.scored(to_score.songs, "given"))
    # The folder gives each pair's split, and has no unlisted pairs.
    scoring_params = experiment.params.model_copy(update={"protocol": "given", "target": "listed_only"})
    evaluated = evaluation.evaluate(
        to_score.songs,
        listings,
        predictions,
        {name: scoring_params},
        encoder_vectors(model, encoder, experiment.coverage),
        settings=settings.evaluate,
    )[name].model_copy(update={"note": to_score.which})
    notes = [*to_score.notes, *reading_notes(encoder, _scored_texts(to_score))]
    if not np.any(to_score.pairs["split"] == "train"):
        test = evaluated.splits["test"].model_copy(update={"seen_in_train": None})
        evaluated = evaluated.model_copy(update={"splits": {**evaluated.splits, "test": test}})
        notes.append(
            "No training pair is in the folder: baselines that learn from pairs are left out, those from "
            "texts give their plain score, and whether the model was trained on these texts is not known."
        )
    return Scores({name: evaluated}, notes, things(to_score.songs))


def read(raw: Path, settings: params.Params, split: str) -> PairsToScore:
    """Read a raw folder as the stages songs and pairs do, with the pairs to score as test.

    Raises:
        ValueError: a file is missing or invalid, or no pair is in `split`.
    """
    corpus_tables = songs.build(formats.read(raw, settings.similarity_range), settings.songs)
    counts: Any = corpus_tables.counts
    notes = [f"{count:,} not used: {reason}" for reason, count in counts["rejects"].items()]
    notes += [f"columns not read in {names}" for names in counts["columns not read in"]]
    has_split = generic_csv.gives_split(raw)
    rows = pairs.rows(corpus_tables.listed, corpus_tables.songs, settings.pairs)
    unique_pairs = pairs.pairs(rows, corpus_tables.songs, settings.pairs, gives_split=has_split)
    if not has_split or split == "all":
        which = "All pairs are scored" + (", for no split is given." if not has_split else ".")
        return PairsToScore(corpus_tables.songs, unique_pairs.assign(split="test"), which, notes)
    in_split = unique_pairs["split"] == split
    if not np.any(in_split):
        counts = ", ".join(
            f"{count:,} in {name}" for name, count in unique_pairs["split"].value_counts().items()
        )
        raise ValueError(f"{raw}: no pair is in split {split}, but {counts}; choose another by --split")
    if split != "test":
        unique_pairs = unique_pairs.assign(split=unique_pairs["split"].where(~in_split, "test"))
        unique_pairs = unique_pairs.loc[in_split | (unique_pairs["split"] == "train")].reset_index(drop=True)
    return PairsToScore(corpus_tables.songs, unique_pairs, f"The pairs of split {split} are scored.", notes)


def _empty(schema: Any) -> pd.DataFrame:
    return schema.empty_table().to_pandas()


def encoder_vectors(model: Path, encoder: Encoder, coverage: Coverage) -> word_vectors.WordVectors | None:
    """Return the word vectors of the encoder; None where its tokens are characters, or each has its own."""
    if encoder.windowing.tokens == "char" or len(word_table.names(model / "encoder.onnx")) != 1:
        return None
    matrix = word_table.read(model / "encoder.onnx")
    return word_vectors.WordVectors(encoder.vocabulary, matrix, coverage)


def _scored_texts(to_score: PairsToScore) -> list[str]:
    songs, scored = to_score.songs, to_score.pairs.loc[to_score.pairs["split"] == "test"]
    return songs.loc[songs["song_id"].isin([*scored["left_id"], *scored["right_id"]]), "lyrics"].tolist()


def reading_notes(encoder: Encoder, texts: Sequence[str]) -> list[str]:
    """Return notes on truncated texts and on the share of unknown tokens."""
    windowing = encoder.windowing
    windows = encoder.vocabulary.windows(texts, windowing)
    unit = f"{windowing.unit}s"
    n_unknown, notes = int((windows.ids == UNKNOWN).sum()), []
    if windows.n_truncated:
        notes.append(
            f"{windows.n_truncated:,} of {len(texts):,} texts are longer than the {windowing.max_tokens:,} "
            f"{unit} read; the rest of them is not read."
        )
    if n_unknown:
        share = n_unknown / np.count_nonzero(windows.ids)
        notes.append(f"The model does not know {share:.1%} of the {unit} read.")
    return notes
