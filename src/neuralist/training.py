"""Training: pairs and songs to a fitted MaLSTM, resumable after every epoch; used by the stage train.

A batch holds `batch_size` pairs and each of their songs once. Everything random in epoch e follows from
(seed, e) or from the checkpoint, so that a run killed in any epoch and resumed ends with the weights of an
undisturbed one.
"""

import hashlib
import json
import math
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pandas as pd

from neuralist import onnx_encoder, params, tables
from neuralist.model import MaLSTM
from neuralist.tokens import PADDING, Vocabulary
from neuralist.vectors import WordVectors

ONNX_TOLERANCE = 1e-5
SONGS_A_CALL = 128
WORDS_A_STEP = 1024
Epoch = dict[str, float]
# Called with the epoch's figures so far and (step, steps), or None when the epoch is over.
Report = Callable[[Epoch, tuple[int, int] | None], None]


class Examples(NamedTuple):
    """Pairs as row numbers of the songs' tokens, with the similarity to learn."""

    tokens: np.ndarray  # int32 (n_songs, max_words), 0 = padding
    left: np.ndarray  # int32 (n_pairs,)
    right: np.ndarray  # int32 (n_pairs,)
    similarity: np.ndarray  # float32 (n_pairs,)


def examples(
    songs: pd.DataFrame, pairs: pd.DataFrame, vocabulary: Vocabulary, max_words: int
) -> dict[str, Examples]:
    """Cut pairs (table pairs or rows) into their train and val examples, over the songs they name.

    Raises:
        ValueError: there is no training pair.
    """
    parts = {}
    for split in ("train", "val"):
        part: Any = pairs[pairs["split"] == split]
        ids = pd.Index(sorted({*part["left_id"], *part["right_id"]}))
        lyrics = songs.set_index("song_id")["lyrics"].reindex(ids)
        parts[split] = Examples(
            _trimmed(vocabulary.ids(lyrics.tolist(), max_words)),
            ids.get_indexer(part["left_id"]).astype(np.int32),
            ids.get_indexer(part["right_id"]).astype(np.int32),
            part["similarity"].to_numpy(np.float32),
        )
    if not len(parts["train"].left):
        raise ValueError(
            f"no pair in split train among {len(pairs)}; give more songs or another pairs.test_fold"
        )
    return parts


def _trimmed(tokens: np.ndarray) -> np.ndarray:
    """Leave out the columns where every text has ended."""
    return tokens[:, : np.count_nonzero(tokens, axis=1).max(initial=1)]


def fingerprint(settings: params.Experiment, parts: dict[str, Examples], vectors: WordVectors) -> str:
    """Name a training by all that decides its result: settings, examples and word vectors; 64 hex digits."""
    digest = hashlib.sha256(json.dumps(settings.model_dump(), sort_keys=True).encode())
    for array in (*parts["train"], *parts["val"], vectors.matrix):
        digest.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def batches(
    data: Examples, size: int, seed: int, epoch: int
) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
    """Yield one epoch of shuffled batches, each of its songs and words once."""
    order = np.random.default_rng([seed, epoch]).permutation(len(data.left))
    n_songs = min(2 * size, len(data.tokens))
    for start in range(0, len(order), size):
        part = order[start : start + size]
        songs, rows = np.unique(np.concatenate([data.left[part], data.right[part]]), return_inverse=True)
        left, right = np.split(rows.astype(np.int32), 2)
        yield {**inputs(data.tokens[songs], n_songs), "left": left, "right": right}, data.similarity[part]


def inputs(tokens: np.ndarray, n_songs: int) -> dict[str, np.ndarray]:
    """Songs' tokens as the model takes them: `words`, the distinct ones, and `tokens`, positions in them.

    Both are filled with padding, songs up to `n_songs` and words to a multiple of 1,024: a compiled step
    serves one shape, and compiling takes two seconds.
    """
    filled = np.zeros((n_songs, tokens.shape[1]), dtype=np.int32)
    filled[: len(tokens)] = tokens
    words, positions = np.unique(np.append(PADDING, filled), return_inverse=True)
    padded = np.full(-(-len(words) // WORDS_A_STEP) * WORDS_A_STEP, PADDING, dtype=np.int32)
    padded[: len(words)] = words
    return {"words": padded, "tokens": positions[1:].reshape(filled.shape).astype(np.int32)}


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
        dropout=settings.dropout,
        seed=settings.seed,
    )
    model.vectors.set_weights([vectors.matrix])
    steps = settings.epochs * math.ceil(n_pairs / settings.batch_size)
    learning_rate: Any = keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps)
    optimizer = keras.optimizers.Adam(learning_rate)
    # XLA ("auto" leaves it out on a CPU) takes a step in nine tenths of the time; torch has no such thing.
    jit: Any = keras.backend.backend() == "tensorflow" or "auto"
    model.compile(optimizer, loss="mse", metrics=[accuracy], jit_compile=jit)
    optimizer.build(model.trainable_variables)
    return model


def accuracy(similarity: Any, predicted: Any) -> Any:
    """Tell for each pair whether target and prediction fall on one side of 0.5; a Keras metric."""
    return keras.ops.equal(similarity >= 0.5, predicted >= 0.5)


def predict(model: MaLSTM, data: Examples) -> np.ndarray:
    """Predict similarities, float64 (n_pairs,), with each song encoded once."""
    embeddings = encode(model, data.tokens)
    return onnx_encoder.similarity(embeddings[data.left], embeddings[data.right], model.similarity.kind)


def encode(model: MaLSTM, tokens: np.ndarray) -> np.ndarray:
    """Embed songs' tokens (n_songs, n_words) with Keras: float32 (n_songs, units)."""
    parts = [tokens[start : start + SONGS_A_CALL] for start in range(0, len(tokens), SONGS_A_CALL)]
    return np.concatenate(_values([_encode(model, part) for part in parts]))


def _encode(model: MaLSTM, tokens: np.ndarray) -> Any:
    batch = inputs(tokens, len(tokens))
    return model.encode(batch["words"], batch["tokens"])


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
        One record an epoch: epoch, loss, accuracy, and, with val pairs, val_loss and val_accuracy.

    Raises:
        ValueError: the checkpoint cannot be read, or is of another model.
    """
    history, best = _restore(checkpoint, model)
    while len(history) < settings.epochs and len(history) - best_epoch(history) < settings.patience:
        record = _train_epoch(model, parts["train"], settings, len(history) + 1, report)
        if len(parts["val"].left):
            predicted = predict(model, parts["val"])
            record["val_loss"] = float(np.mean((predicted - parts["val"].similarity) ** 2))
            record["val_accuracy"] = float(np.mean((predicted >= 0.5) == (parts["val"].similarity >= 0.5)))
        history.append(record)
        if best_epoch(history) == len(history):
            best = _values(model.trainable_variables)
        _save(checkpoint, model, history, best)
        report(record, None)
    _assign(model.trainable_variables, best)
    return history


def best_epoch(history: list[Epoch]) -> int:
    """The epoch, from 1, of the lowest val loss; the last one without val pairs; 0 before the first."""
    losses = [record.get("val_loss", -record["epoch"]) for record in history]
    return int(np.argmin(losses)) + 1 if losses else 0


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
    return [variable for variable in variables if variable is not model.vectors.embeddings]


def _values(variables: list[Any]) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def _assign(variables: list[Any], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def save(model: MaLSTM, vectors: WordVectors, history: list[Epoch], folder: Path) -> None:
    """Write model.keras, encoder.onnx, vocabulary.txt and history.csv; equal weights give equal bytes."""
    _save_keras(model, folder / "model.keras")
    kernel, bias, recurrent = _values(model.trainable_variables)
    onnx_encoder.export(
        onnx_encoder.Weights(vectors.matrix, kernel, recurrent, bias), folder / "encoder.onnx"
    )
    vectors.vocabulary.save(folder / "vocabulary.txt")
    tables.write_text(folder / "history.csv", pd.DataFrame(history).to_csv(index=False, lineterminator="\n"))


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


def check_export(model: MaLSTM, encoder: onnx_encoder.Encoder, tokens: np.ndarray) -> float:
    """Compare the exported graph with the Keras model on songs' tokens; returns the largest difference.

    Raises:
        ArithmeticError: a coordinate differs by more than 1e-5.
    """
    lengths = np.count_nonzero(tokens, axis=1).astype(np.int32)
    difference = float(np.abs(encoder.encode_ids(tokens, lengths) - encode(model, tokens)).max())
    if difference > ONNX_TOLERANCE:
        raise ArithmeticError(
            f"encoder.onnx differs from the Keras model by {difference:.1e} a coordinate, "
            f"over {ONNX_TOLERANCE:.0e}; the export is wrong, please report it"
        )
    return difference
