"""A trained model on any raw folder: its metrics beside those of its baselines, and nothing trained anew.

Input: the folder of a trained or served model, a raw folder of either form. Output: metrics as
`evaluation.evaluate` gives them, in which the pairs that were asked for stand as test; lines for people.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from neuralist.config import corpus, params, records
from neuralist.config.records import Coverage, ExperimentMetrics
from neuralist.data import tables
from neuralist.data.pair_sets import Listings
from neuralist.evaluation import evaluation
from neuralist.ingest import pairs, songs
from neuralist.ingest.sources import formats
from neuralist.model.encoder import Encoder
from neuralist.text import word_vectors
from neuralist.text.vocabulary import UNKNOWN

SPLITS = ("train", "val", "test", "all")


class Scores(NamedTuple):
    """Metrics of the one model, by its name, and what a reader must know of them."""

    metrics: dict[str, ExperimentMetrics]
    notes: list[str]


class PairsToScore(NamedTuple):
    """Songs, their pairs with those to score as test, which these are, and what was not used."""

    songs: pd.DataFrame
    pairs: pd.DataFrame
    which: str
    notes: list[str]


def score(model: Path, raw: Path, settings: params.Params, split: str = "test") -> Scores:
    """Score a raw folder's pairs by a trained model and by its baselines.

    Args:
        model: folder with encoder.onnx, vocabulary.txt and experiment.json.
        raw: the raw folder.
        settings: similarity_range, songs, pairs and evaluate are used.
        split: what is scored, one of SPLITS; of a folder that gives no split it is all pairs.

    Raises:
        ValueError: a file of either folder is missing or at fault, or no pair is in `split`.
    """
    encoder, trained = Encoder.load(model), records.load_experiment(model)
    name = trained.name
    asked = read(raw, settings, split)
    listings = Listings(_none(tables.ROWS), asked.pairs, _none(tables.UNLISTED))
    predictions = evaluation.predict(name, encoder, asked.songs, listings.scored(asked.songs, "given"))
    # On pairs whose split is given, of which none is known to be unlisted.
    experiment = trained.params.model_copy(update={"protocol": "given", "target": "listed_only"})
    evaluated = evaluation.evaluate(
        asked.songs,
        listings,
        predictions,
        {name: experiment},
        _vectors(model, encoder, trained.coverage),
        settings=settings.evaluate,
    )[name].model_copy(update={"note": asked.which})
    notes = [*asked.notes, *_reading(encoder, asked)]
    if not np.any(asked.pairs["split"] == "train"):
        test = evaluated.splits["test"].model_copy(update={"seen_in_train": None})
        evaluated = evaluated.model_copy(update={"splits": {**evaluated.splits, "test": test}})
        notes.append(
            "No training pair is in the folder: baselines that learn from pairs are left out, those from "
            "texts give their plain score, and whether the model was trained on these texts is not known."
        )
    return Scores({name: evaluated}, notes)


def read(raw: Path, settings: params.Params, split: str) -> PairsToScore:
    """Read a raw folder as the stages songs and pairs do, with the pairs to score as test.

    Raises:
        ValueError: a file is missing or at fault, or no pair is in `split`.
    """
    made = songs.build(formats.read(raw, settings.similarity_range), settings.songs)
    rejects: Any = made.counts["rejects"]
    notes = [f"{count:,} not used: {reason}" for reason, count in rejects.items()]
    given = corpus.gives_split(raw)
    rows = pairs.rows(made.listed, made.songs, settings.pairs)
    each_once = pairs.pairs(rows, made.songs, settings.pairs, gives_split=given)
    if not given or split == "all":
        which = "All pairs are scored" + (", for no split is given." if not given else ".")
        return PairsToScore(made.songs, each_once.assign(split="test"), which, notes)
    is_asked = each_once["split"] == split
    if not np.any(is_asked):
        counts = ", ".join(
            f"{count:,} in {part}" for part, count in each_once["split"].value_counts().items()
        )
        raise ValueError(f"{raw}: no pair is in split {split}, but {counts}; choose another by --split")
    if split != "test":
        each_once = each_once.assign(split=each_once["split"].where(~is_asked, "test"))
        each_once = each_once.loc[is_asked | (each_once["split"] == "train")].reset_index(drop=True)
    return PairsToScore(made.songs, each_once, f"The pairs of split {split} are scored.", notes)


def _none(schema: Any) -> pd.DataFrame:
    return schema.empty_table().to_pandas()


def _vectors(model: Path, encoder: Encoder, coverage: Coverage) -> word_vectors.WordVectors | None:
    """The word vectors that the model reads with; None where it reads characters."""
    if encoder.windowing.tokens == "char":
        return None
    import onnx  # 0.3 s; ONNX Runtime does not give a graph's constants
    from onnx import numpy_helper

    constants = onnx.load(str(model / "encoder.onnx")).graph.initializer
    matrix = next(numpy_helper.to_array(one) for one in constants if one.name == "vectors")
    return word_vectors.WordVectors(encoder.vocabulary, matrix, coverage)


def _reading(encoder: Encoder, asked: PairsToScore) -> list[str]:
    """How much of the texts that are scored the model does not read, or does not know."""
    scored, songs, windowing = asked.pairs.loc[asked.pairs["split"] == "test"], asked.songs, encoder.windowing
    texts = songs.loc[songs["song_id"].isin([*scored["left_id"], *scored["right_id"]]), "lyrics"].tolist()
    windows = encoder.vocabulary.windows(texts, windowing)
    unit = "characters" if windowing.tokens == "char" else "words"
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
