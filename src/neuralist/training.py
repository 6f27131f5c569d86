"""Training: examples to a fitted MaLSTM, resumable after every epoch; used by stages study, train and tuned.

Everything random in epoch e follows from (seed, e) or from the checkpoint, so that a run killed in any epoch
and resumed ends with the weights of an undisturbed one.
"""

import json
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from neuralist import metrics, onnx_encoder, params, tables
from neuralist.examples import Examples, batches, inputs
from neuralist.model import MaLSTM
from neuralist.tokens import Vocabulary, Windows
from neuralist.vectors import WordVectors

ONNX_TOLERANCE = 1e-5
SONGS_A_CALL = 128
VAL_METRICS = ("decile_accuracy", "spearman", "average_precision")
Epoch = dict[str, float]
# Called with the epoch's figures so far and (step, steps), or None when the epoch is over.
Report = Callable[[Epoch, tuple[int, int] | None], None]


def make_model(settings: params.Experiment, vectors: WordVectors, n_pairs: int) -> MaLSTM:
    """Make an untrained, compiled model: Adam on the mean squared error, equation 4 of the paper.

    The learning rate falls along half a cosine over all epochs of `n_pairs` pairs each (Loshchilov & Hutter
    2017, without restarts): a fixed one ends in noise, and decile accuracy suffers first.
    """
    keras.utils.set_random_seed(settings.seed)
    model = MaLSTM(
        n_tokens=len(vectors.matrix),
        dimensions=vectors.matrix.shape[1],
        units=settings.units,
        similarity=settings.similarity,
        pooling=settings.pooling,
        directions=settings.directions,
        layers=settings.layers,
        trained_vectors=settings.vectors == "trained" or settings.tokens == "char",
        dropout=settings.dropout,
        seed=settings.seed,
    )
    model.vectors.set_weights([vectors.matrix])
    steps = settings.epochs * math.ceil(n_pairs / settings.batch_size)
    learning_rate: Any = keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps)
    optimizer = keras.optimizers.Adam(learning_rate)
    # XLA takes nine tenths of the time of a step, but twice the time where all states are kept; on a CPU
    # "auto" leaves it out, and torch has no such thing.
    last_states_alone = settings.pooling == "last" and settings.layers == 1
    jit: Any = (keras.backend.backend() == "tensorflow" and last_states_alone) or "auto"
    losses = {"mse": "mse", "cross_entropy": "binary_crossentropy"}
    model.compile(optimizer, loss=losses[settings.loss], metrics=[accuracy], jit_compile=jit)
    optimizer.build(model.trainable_variables)
    return model


def forget_models() -> None:
    """Free what Keras keeps of models made before; a process that trains many would grow otherwise."""
    keras.backend.clear_session()


def accuracy(similarity: Any, predicted: Any) -> Any:
    """Tell for each pair whether target and prediction fall on one side of 0.5; a Keras metric."""
    return keras.ops.equal(similarity >= 0.5, predicted >= 0.5)


def predict(model: MaLSTM, data: Examples) -> np.ndarray:
    """Predict similarities, float64 (n_pairs,), with each song encoded once."""
    embeddings = encode(model, data.songs)
    return onnx_encoder.similarity(embeddings[data.left], embeddings[data.right], model.similarity.kind)


def encode(model: MaLSTM, songs: Windows) -> np.ndarray:
    """Embed songs with Keras: float32 (n_songs, units * directions)."""
    numbers = np.arange(len(songs.starts) - 1)
    parts = [numbers[start : start + SONGS_A_CALL] for start in range(0, len(numbers), SONGS_A_CALL)]
    found = []
    for part in parts:
        batch = inputs(songs, part, len(part))
        found.append(model.encode(batch["words"], batch["tokens"], batch.get("average")))
    return np.concatenate(_values(found))


def fit(
    model: MaLSTM,
    parts: dict[str, Examples],
    settings: params.Experiment,
    checkpoint: Path,
    report: Report,
) -> list[Epoch]:
    """Train until `epochs`, or until `patience` epochs brought no lower val loss; leave the best weights.

    Without val pairs all epochs run and the last weights stay.

    Args:
        model: from `make_model`.
        parts: from `examples`.
        settings: of the experiment.
        checkpoint: file written after each epoch; where it stands already, training goes on from it.
        report: called after each step, and with the val figures when the epoch is over.

    Returns:
        One record an epoch: epoch, loss, accuracy, and, with val pairs, `val_figures`.

    Raises:
        ValueError: the checkpoint cannot be read, or is of another model.
    """
    history, best = _restore(checkpoint, model)
    while len(history) < settings.epochs and len(history) - best_epoch(history) < settings.patience:
        record = _train_epoch(model, parts["train"], settings, len(history) + 1, report)
        if len(parts["val"].left):
            predicted = predict(model, parts["val"])
            record |= val_figures(parts["val"].similarity, predicted, settings.loss)
        history.append(record)
        if best_epoch(history) == len(history):
            best = _values(model.trainable_variables)
        _save(checkpoint, model, history, best)
        report(record, None)
    _assign(model.trainable_variables, best)
    return history


def val_figures(similarity: np.ndarray, predicted: np.ndarray, loss: str) -> Epoch:
    """The loss and the metrics of one epoch on val; NaN where one is undefined."""
    truth, answers = metrics.Answers.of(similarity), metrics.Answers.of(predicted)
    thresholds: dict[str, float] = dict.fromkeys(metrics.THRESHOLDED, 0.5)
    figures = metrics.measure(truth, {0: answers}, {0: thresholds}, [np.ones((1, len(predicted)))])[0][0]
    found = dict(zip(metrics.NAMES, figures.tolist(), strict=True))
    record = {"val_loss": found["mse"] if loss == "mse" else _cross_entropy(similarity, predicted)}
    record["val_accuracy"] = found["binary_accuracy"]
    return record | {f"val_{name}": found[name] for name in VAL_METRICS}


def _cross_entropy(similarity: np.ndarray, predicted: np.ndarray) -> float:
    clipped = np.clip(predicted, 1e-7, 1 - 1e-7)  # as Keras clips
    return float(-np.mean(similarity * np.log(clipped) + (1 - similarity) * np.log(1 - clipped)))


def best_epoch(history: list[Epoch]) -> int:
    """The epoch, from 1, of the lowest val loss; the last one without val pairs; 0 before the first."""
    losses = [record.get("val_loss", -record["epoch"]) for record in history]
    # A diverged epoch's loss is NaN, which argmin would take for the lowest.
    return int(np.argmin(np.nan_to_num(losses, nan=np.inf))) + 1 if losses else 0


def _train_epoch(
    model: MaLSTM, data: Examples, settings: params.Experiment, epoch: int, report: Report
) -> Epoch:
    steps = math.ceil(len(data.left) / settings.batch_size)
    record: Epoch = {"epoch": epoch}
    seen, totals = 0, np.zeros(2)
    for step, (batch, target) in enumerate(batches(data, settings.batch_size, settings.seed, epoch), start=1):
        figures: Any = model.train_on_batch(batch, target, return_dict=True)
        totals += len(target) * np.array([figures["loss"], figures["accuracy"]], dtype=float)
        seen += len(target)
        record["loss"], record["accuracy"] = (totals / seen).tolist()
        report(record, (step, steps))
    return record


def history(checkpoint: Path) -> list[Epoch]:
    """The epochs that a checkpoint holds; none without a checkpoint.

    Raises:
        ValueError: the checkpoint cannot be read.
    """
    if not checkpoint.exists():
        return []
    try:
        with np.load(checkpoint) as arrays:
            return json.loads(str(arrays["history"]))
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError) as error:
        raise ValueError(f"{checkpoint}: no checkpoint of a training ({error}); remove it") from error


def _restore(checkpoint: Path, model: MaLSTM) -> tuple[list[Epoch], list[np.ndarray]]:
    if not checkpoint.exists():
        return [], _values(model.trainable_variables)
    try:
        with np.load(checkpoint) as arrays:
            history = json.loads(str(arrays["history"]))
            best = [arrays[f"best{index}"] for index in range(len(model.trainable_variables))]
            _assign(_state(model), [arrays[f"state{index}"] for index in range(len(_state(model)))])
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError) as error:
        raise ValueError(f"{checkpoint}: no checkpoint of this training ({error}); remove it") from error
    return history, best


def _save(checkpoint: Path, model: MaLSTM, history: list[Epoch], best: list[np.ndarray]) -> None:
    arrays = {f"state{index}": value for index, value in enumerate(_values(_state(model)))}
    arrays |= {f"best{index}": value for index, value in enumerate(best)}
    arrays["history"] = np.array(json.dumps(history))
    with tables.unfinished(checkpoint) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _state(model: MaLSTM) -> list[Any]:
    """All that training changes: weights, metrics, random seeds and the optimizer's moments."""
    variables = [*model.variables, *model.optimizer.variables]
    frozen = None if model.vectors.trainable else model.vectors.embeddings
    return [variable for variable in variables if variable is not frozen]


def _values(variables: list[Any]) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def _assign(variables: list[Any], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def save(model: MaLSTM, vocabulary: Vocabulary, history: list[Epoch], folder: Path) -> None:
    """Write model.keras, encoder.onnx, vocabulary.txt and history.csv; equal weights give equal bytes."""
    _save_keras(model, folder / "model.keras")
    onnx_encoder.export(weights(model), folder / "encoder.onnx")
    vocabulary.save(folder / "vocabulary.txt")
    tables.write_text(folder / "history.csv", pd.DataFrame(history).to_csv(index=False, lineterminator="\n"))


def weights(model: MaLSTM) -> onnx_encoder.Weights:
    """The arrays of a model's encoder."""
    layers = []
    for layer in model.stack:
        kernel, bias = _values([layer.projection.kernel, layer.projection.bias])
        recurrent = np.stack(_values([recurrence.cell.kernel for recurrence in layer.recurrences]))
        layers.append(onnx_encoder.Layer(kernel, bias, recurrent))
    [vectors] = _values([model.vectors.embeddings])
    attention = _values(model.pooling.weights) if model.pooling is not None else []
    return onnx_encoder.Weights(vectors, layers, model.config["pooling"], attention)


def _save_keras(model: MaLSTM, path: Path) -> None:
    """Save in Keras' own format, without the date that it writes into the archive."""
    with tables.unfinished(path) as temporary:
        dated = path.with_name(f".dated-{path.name}")
        model.save(dated)
        with zipfile.ZipFile(dated) as source, zipfile.ZipFile(temporary, "w") as target:
            for name in sorted(source.namelist()):
                content = source.read(name)
                if name == "metadata.json":
                    content = json.dumps({"keras_version": keras.__version__}).encode()
                target.writestr(zipfile.ZipInfo(name), content)
        dated.unlink()


def check_export(model: MaLSTM, encoder: onnx_encoder.Encoder, songs: Windows) -> float:
    """Compare the exported graph with the Keras model on songs' windows; returns the largest difference.

    Raises:
        ArithmeticError: a coordinate differs by more than 1e-5.
    """
    each = songs._replace(starts=np.arange(len(songs.ids) + 1))
    lengths = np.count_nonzero(songs.ids, axis=1).astype(np.int32)
    difference = float(np.abs(encoder.encode_ids(songs.ids, lengths) - encode(model, each)).max())
    if difference > ONNX_TOLERANCE:
        raise ArithmeticError(
            f"encoder.onnx differs from the Keras model by {difference:.1e} a coordinate, "
            f"over {ONNX_TOLERANCE:.0e}; the export is wrong, please report it"
        )
    return difference
