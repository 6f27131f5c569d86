"""What a training leaves in its folder: the model, its encoder as ONNX, and a record of it.

Output: model.keras, encoder.onnx, vocabulary.txt, history.csv; experiment.json, an `ExperimentRecord`.
"""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from neuralist import files
from neuralist.config import params, records
from neuralist.config.records import CalibrationCurve, ExperimentRecord
from neuralist.model import onnx_export
from neuralist.model.encoder import Encoder
from neuralist.model.malstm import MaLSTM
from neuralist.model.similarity import Calibration
from neuralist.text.vocabulary import Vocabulary, Windows
from neuralist.training import loop
from neuralist.training.checkpoints import Epoch
from neuralist.training.examples import Examples, TrainingData
from neuralist.training.loop import values

ONNX_TOLERANCE = 1e-5


def save_experiment(
    name: str,
    settings: params.Experiment,
    prepared: TrainingData,
    trained: tuple[MaLSTM, list[Epoch]],
    folder: Path,
) -> str:
    """Write an experiment's folder, check its ONNX graph, and return what to tell of it in a line.

    Args:
        name: of the experiment.
        settings: of it.
        prepared: what it was trained on.
        trained: the model, and its history.
        folder: to write.

    Raises:
        ArithmeticError: the graph does not say what the model says.
    """
    model, history = trained
    parts = prepared.parts
    save(model, prepared.vectors.vocabulary, history, folder)
    record = ExperimentRecord(
        name=name,
        fingerprint=prepared.fingerprint,
        params=settings,
        best_epoch=loop.best_epoch(history),
        n_pairs={split: part.n_pairs for split, part in parts.items()},
        n_songs={split: len(part.lengths) for split, part in parts.items()},
        n_truncated={split: part.n_truncated for split, part in parts.items()},
        heads=prepared.heads,
        n_pairs_before={split: part.n_pairs for split, part in prepared.before.items()},
        coverage=prepared.vectors.coverage,
        calibration=_calibration(model, parts["val"]) if settings.calibration else None,
    )
    records.save(record, folder / "experiment.json")
    difference = check_export(model, Encoder.load(folder), parts["train"].songs)
    return (
        f"{name}: best epoch {record.best_epoch} of {len(history)}, "
        f"encoder.onnx within {difference:.0e} of Keras"
    )


def _calibration(model: MaLSTM, val: Examples) -> CalibrationCurve | None:
    """The curve from raw to expected similarity; None without val pairs."""
    if not len(val.left):
        return None
    return Calibration.fit(loop.predict(model, val), val.similarity, val.weight).record()


def save(model: MaLSTM, vocabulary: Vocabulary, history: list[Epoch], folder: Path) -> None:
    """Write model.keras, encoder.onnx, vocabulary.txt and history.csv; equal weights give equal bytes."""
    _save_keras(model, folder / "model.keras")
    onnx_export.export(weights(model), folder / "encoder.onnx")
    vocabulary.save(folder / "vocabulary.txt")
    files.write_text(folder / "history.csv", pd.DataFrame(history).to_csv(index=False, lineterminator="\n"))


def weights(model: MaLSTM) -> onnx_export.Weights:
    """The arrays of a model's encoder."""
    projection, recurrence = model.projection, model.recurrence
    lstm = onnx_export.LSTM(*values([projection.kernel, projection.bias, recurrence.kernel]))
    [vectors] = values([model.vectors.embeddings])
    length = values([model.length_features.scale])[0] if model.length_features is not None else None
    auxiliary_heads = bag = None
    if model.auxiliary_heads is not None:
        kernel, bias, scale = values(
            [model.auxiliary_heads.kernel, model.auxiliary_heads.bias, model.auxiliary_heads.scale]
        )
        n_free = len(bias) - len(scale)
        # An answer's scale is no more than a factor of its weights, and so is its half of a mean.
        factors = np.append(
            scale if model.bag_of_words is None else scale / 2, np.ones(n_free, dtype=scale.dtype)
        )
        auxiliary_heads = onnx_export.Heads(kernel * factors, bias * factors)
        if model.bag_of_words is not None:
            table, squares, middle = values(
                [model.bag_of_words.table, model.bag_of_words.squares, model.bag_of_words.bias]
            )
            auxiliary_heads = auxiliary_heads._replace(
                bias=auxiliary_heads.bias + np.pad(middle, (0, n_free)) * factors
            )
            bag = onnx_export.BagOfWords(np.pad(table, ((0, 0), (0, n_free))) * factors, squares)
    return onnx_export.Weights(vectors, lstm, model.architecture.pooling, length, auxiliary_heads, bag)


def _save_keras(model: MaLSTM, path: Path) -> None:
    """Save in Keras' own format, without the date that it writes into the archive."""
    with files.unfinished(path) as temporary:
        dated = path.with_name(f".dated-{path.name}")
        model.save(dated)
        with zipfile.ZipFile(dated) as source, zipfile.ZipFile(temporary, "w") as target:
            for name in sorted(source.namelist()):
                content = source.read(name)
                if name == "metadata.json":
                    content = json.dumps({"keras_version": keras.__version__}).encode()
                target.writestr(zipfile.ZipInfo(name), content)
        dated.unlink()


def check_export(model: MaLSTM, encoder: Encoder, songs: Windows) -> float:
    """Compare the exported graph with the Keras model; returns the largest difference of a coordinate.

    Raises:
        ArithmeticError: coordinates differ by more than 1e-5 in the mean.
    """
    differences = np.abs(encoder.encode_windows(songs) - loop.encode(model, songs))
    # Not the largest one: rounding grows over the steps of an ill-conditioned LSTM (2.4e-5, learning rate
    # 0.017), at few coordinates. A wrong graph is off at all of them, by tenths.
    if differences.mean() > ONNX_TOLERANCE:
        raise ArithmeticError(
            f"encoder.onnx differs from the Keras model by {differences.mean():.1e} a coordinate in the "
            f"mean, over {ONNX_TOLERANCE:.0e}; the export is wrong, please report it"
        )
    return float(differences.max())
