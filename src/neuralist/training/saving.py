"""Save a trained experiment: the model, its encoder as ONNX, and a record of the training.

Output: model.keras, encoder.onnx, similarity.npz (where it has weights), vocabulary.txt, history.csv;
experiment.json, an `ExperimentRecord`; of words, origins.npz; with fusion, fusion.npz; with a bag of words,
representatives.npz; with style, style.npz; with averaged vectors, averaged_vectors.npz. Of an ensemble
encoder.onnx holds all encoders; model.keras and history.csv are those of the first training, and of each
further one in seed-<its seed>/.
"""

import json
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from neuralist import files
from neuralist.config import params, records
from neuralist.config.experiment import TermKind
from neuralist.config.records import ExperimentRecord, FusionRecord
from neuralist.model import fusion, onnx_export
from neuralist.model.backend import keras
from neuralist.model.encoder import Encoder
from neuralist.model.malstm import MaLSTM
from neuralist.model.similarity import Calibration, Similarity
from neuralist.model.style_answers import StyleAnswers
from neuralist.text import cleaning
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.vocabulary import Windows
from neuralist.text.word_vectors import WordVectors
from neuralist.training import fusing, loop
from neuralist.training.checkpoints import Epoch
from neuralist.training.examples import Examples, TrainingData

ONNX_TOLERANCE = 1e-5


class Trained(NamedTuple):
    """A trained model, and the metrics of its epochs."""

    model: MaLSTM
    history: list[Epoch]


def save_experiment(
    name: str,
    settings: params.Experiment,
    prepared: TrainingData,
    trained: Sequence[Trained],
    folder: Path,
) -> str:
    """Write an experiment's folder, check its ONNX graph, and return a one-line summary.

    Args:
        name: of the experiment.
        settings: of the experiment.
        prepared: its training data.
        trained: the model, or those of an ensemble, by seed.
        folder: to write.

    Raises:
        ArithmeticError: the graph and the model give different embeddings.
    """
    splits, models = prepared.splits, [model for model, _ in trained]
    windowing = TokenWindowing.of(settings, prepared.vectors.coverage.segmenter)
    averages = prepared.averaged_vectors
    n_averaged = 0 if averages is None else averages.width
    similarity = loop.similarity(models, prepared.pair_regression, n_averaged)
    save(trained, prepared.vectors, folder, similarity)
    style = None if prepared.style is None else prepared.style.times(list(map(_style_factor, models)))
    for part in (style, prepared.representatives, averages):
        if part is not None:
            part.save(folder)
    val, calibration = splits["val"], None
    raw = _raw_similarity(models, val, prepared, style, windowing, similarity)
    if settings.calibration and len(raw):
        calibration = Calibration.fit(raw, val.similarity, val.weight)
    calibrated = raw if calibration is None else calibration(raw)
    record = ExperimentRecord(
        name=name,
        fingerprint=prepared.fingerprint,
        # Where nothing is known of any song there are no heads, and none of the three.
        params=settings.model_copy(
            update={
                "pair_regression": prepared.pair_regression is not None,
                "style": prepared.style is not None,
                "averaged_vectors": n_averaged,
                "histograms": False,  # they say nothing about the model
            }
        ),
        best_epoch=loop.best_epoch(trained[0].history),
        n_pairs={split: data.n_pairs for split, data in splits.items()},
        n_songs={split: len(data.lengths) for split, data in splits.items()},
        n_truncated={split: data.n_truncated for split, data in splits.items()},
        heads=prepared.heads,
        n_pairs_before={split: data.n_pairs for split, data in prepared.pretraining_splits.items()},
        coverage=prepared.vectors.coverage,
        calibration=calibration and calibration.record(),
        cleaning=cleaning.VERSION,  # of the songs stage, which cleaned the lyrics it was trained on
        fusion=_fuse(settings.fusion, windowing, splits, calibrated, folder) if settings.fusion else None,
    )
    records.save(record, folder / "experiment.json")
    difference = check_export(models, Encoder.load(folder), splits["train"].songs)
    epochs = ", ".join(f"{loop.best_epoch(history)} of {len(history)}" for _, history in trained)
    return f"{name}: best epoch {epochs}, encoder.onnx within {difference:.0e} of Keras" + (
        f"; {fusing.describe(record.fusion)}" if record.fusion else ""
    )


def _raw_similarity(
    models: Sequence[MaLSTM],
    pairs: Examples,
    prepared: TrainingData,
    style: StyleAnswers | None,
    windowing: TokenWindowing,
    similarity: Similarity,
) -> np.ndarray:
    """Return the similarities of pairs before calibration and fusion, (n_pairs,)."""
    if not len(pairs.left):
        return np.zeros(0)
    embeddings, representatives = loop.encode(models, pairs.songs), prepared.representatives
    if style is not None:
        excerpts = [windowing.excerpt(text) for text in pairs.texts]
        foreign = None if representatives is None else representatives.foreign(pairs.songs)
        embeddings = embeddings + style(excerpts, foreign, windowing.segmenter)
    if prepared.averaged_vectors is not None:
        embeddings = prepared.averaged_vectors.beside(embeddings, pairs.songs, len(models))
    return similarity(embeddings[pairs.left], embeddings[pairs.right])


def _style_factor(model: MaLSTM) -> np.ndarray:
    """Return by which factor an answer of the style enters each coordinate of an embedding."""
    heads = model.auxiliary_heads
    return model.architecture.bag_share * loop.values([heads.scale])[0] if heads is not None else np.zeros(0)


def _fuse(
    kinds: Sequence[TermKind],
    windowing: TokenWindowing,
    splits: dict[str, Examples],
    similarity: np.ndarray,
    folder: Path,
) -> FusionRecord:
    """Learn the fusion from the similarities of val, and write its file where val shows a gain."""
    made, record = fusing.learn(kinds, windowing, splits, similarity)
    if made is None:
        (folder / fusion.FILE).unlink(missing_ok=True)  # of an earlier training
    else:
        made.save(folder)
    return record


def save(
    trained: Sequence[Trained],
    vectors: WordVectors,
    folder: Path,
    similarity: Similarity | None = None,
) -> None:
    """Write the models, encoder.onnx, similarity.npz where it has weights, the words and the histories.

    Equal weights give equal bytes.

    Args:
        trained: the model, or those of an ensemble, by seed.
        vectors: of all, with their vocabulary.
        folder: to write.
        similarity: of their embeddings; None: the models' own.
    """
    for earlier in folder.glob("seed-*"):  # of an earlier training, as an ensemble
        shutil.rmtree(earlier)
    for number, (model, history) in enumerate(trained):
        of_model = folder / f"seed-{model.architecture.seed}" if number else folder
        of_model.mkdir(parents=True, exist_ok=True)
        _save_keras(model, of_model / "model.keras")
        table = pd.DataFrame(history).to_csv(index=False, lineterminator="\n")
        files.write_text(of_model / "history.csv", table)
    models = [model for model, _ in trained]
    onnx_export.export([weights(model) for model in models], folder / "encoder.onnx")
    (similarity or loop.similarity(models)).save(folder)
    vectors.save_words(folder)


def weights(model: MaLSTM) -> onnx_export.Weights:
    """Return the arrays of a model's encoder, as the ONNX export needs them."""
    lstm = onnx_export.LSTM(*model.projection.get_weights(), *model.recurrence.get_weights())
    backward = embedding_scale = None
    if model.backward_projection is not None and model.backward_recurrence is not None:
        backward_weights = model.backward_projection.get_weights(), model.backward_recurrence.get_weights()
        backward = onnx_export.LSTM(*backward_weights[0], *backward_weights[1])
    if model.scale is not None:
        [embedding_scale] = model.scale.get_weights()
    [vectors] = model.vectors.get_weights()
    length = model.length_features.get_weights()[0] if model.length_features is not None else None
    auxiliary_heads = bag = None
    if model.auxiliary_heads is not None:
        kernel, bias, scale = model.auxiliary_heads.get_weights()
        n_plain = len(bias) - len(scale)
        # The scale of a head is a factor of its weights, and so is its share in the mean with the bag.
        share = 0 if model.bag_of_words is None else model.architecture.bag_share
        factors = np.append((1 - share) * scale, np.ones(n_plain, dtype=scale.dtype))
        bias = bias * factors
        if model.bag_of_words is not None:
            table, squares, bag_bias, representatives = model.bag_of_words.get_weights()
            # Words of other files have no row, and stand behind those that training songs hold.
            n_rows = int(representatives.max()) + 1
            table, squares = table[:n_rows], squares[:n_rows]
            of_bag = np.append(share * scale, np.zeros(n_plain, dtype=scale.dtype)).astype(scale.dtype)
            bias = bias + np.pad(bag_bias, (0, n_plain)) * of_bag
            bag = onnx_export.BagOfWords(np.pad(table, ((0, 0), (0, n_plain))) * of_bag, squares)
        auxiliary_heads = onnx_export.Heads(kernel * factors, bias)
    pooling = model.architecture.pooling
    return onnx_export.Weights(
        vectors, lstm, backward, pooling, length, auxiliary_heads, bag, embedding_scale
    )


def _save_keras(model: MaLSTM, path: Path) -> None:
    """Save in Keras' format, without the date that Keras writes into the archive."""
    with (
        files.temporary_folder(path.parent, files.UNFINISHED) as folder,
        files.unfinished(path) as temporary,
    ):
        with_date = folder / path.name
        model.save(with_date)
        with zipfile.ZipFile(with_date) as source, zipfile.ZipFile(temporary, "w") as target:
            for name in sorted(source.namelist()):
                content = source.read(name)
                if name == "metadata.json":
                    content = json.dumps({"keras_version": keras.__version__}).encode()
                target.writestr(zipfile.ZipInfo(name), content)


def check_export(models: Sequence[MaLSTM], encoder: Encoder, songs: Windows) -> float:
    """Compare the exported graph with the Keras models; return the largest difference of a coordinate.

    Raises:
        ArithmeticError: coordinates differ by more than 1e-5 in the mean.
    """
    differences = np.abs(encoder.encode_windows(songs) - loop.encode(models, songs))
    # Not the largest difference: rounding errors grow over the steps of an ill-conditioned LSTM (2.4e-5 at
    # learning rate 0.017), at few coordinates. A wrong graph differs at all of them, by tenths.
    if differences.mean() > ONNX_TOLERANCE:
        raise ArithmeticError(
            f"encoder.onnx differs from the Keras model by {differences.mean():.1e} a coordinate in the "
            f"mean, over {ONNX_TOLERANCE:.0e}; the export is wrong, please report it"
        )
    return float(differences.max())
