"""Training: examples to a fitted MaLSTM, resumable after every epoch; used by stages study, train and tuned.

Everything random in epoch e follows from (seed, e) or from the checkpoint, so that a run killed in any epoch
and resumed ends with the weights of an undisturbed one.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from scipy.stats import rankdata

from neuralist import metrics
from neuralist.config import params
from neuralist.config.metric_table import ON_VAL
from neuralist.model import losses
from neuralist.model.bag_of_words import Bag
from neuralist.model.malstm import Architecture, MaLSTM
from neuralist.model.similarity import Similarity
from neuralist.text.vocabulary import Windows
from neuralist.training import batches, checkpoints
from neuralist.training.checkpoints import Checkpoint, Epoch
from neuralist.training.distributed.workers import Workers
from neuralist.training.examples import Examples, TrainingData

SONGS_A_CALL = 128
SHORT = 50  # words
# Called with the epoch's figures so far and (step, steps), or None when the epoch is over.
Report = Callable[[Epoch, tuple[int, int] | None], None]


def make_model(settings: params.Experiment, prepared: TrainingData) -> MaLSTM:
    """Make an untrained model with its optimizer; the loss `mse` is equation 4 of the paper."""
    vectors, train = prepared.vectors, prepared.parts["train"]
    keras.utils.set_random_seed(settings.seed)
    model = MaLSTM(
        Architecture(
            n_tokens=len(vectors.matrix),
            dimensions=vectors.matrix.shape[1],
            units=settings.units,
            similarity=settings.similarity,
            pooling=settings.pooling,
            length_features=settings.length_features,
            embedding=settings.embedding,
            heads=prepared.heads,
            forget_bias=settings.forget_bias,
            trained_vectors=settings.vectors == "trained" or settings.tokens == "char",
            dropout=settings.dropout,
            seed=settings.seed,
        )
    )
    model.vectors.set_weights([vectors.matrix])
    if model.length_features is not None:
        logarithms = np.log(np.maximum(train.lengths, 1))
        model.length_features.scale.assign([logarithms.mean(), max(float(logarithms.std()), 1e-6)])
    optimizer = _optimizer(settings, settings.epochs * batches.steps(train, settings))
    # With few words calls cost more than what they do, and XLA makes one of a whole step; but it draws
    # dropout's numbers slowly. "auto" leaves it out on a CPU, and torch has no such thing.
    short = settings.max_tokens <= SHORT and not settings.dropout
    jit: Any = (keras.backend.backend() == "tensorflow" and short) or "auto"
    model.compile(optimizer, jit_compile=jit)
    optimizer.build(model.trainable_variables)
    return model


def _optimizer(settings: params.Experiment, steps: int) -> keras.optimizers.Optimizer:
    """Adam, whose learning rate falls along half a cosine over all steps, or Adadelta, whose rate stays.

    Adam's schedule is Loshchilov & Hutter's (2017, without restarts): a fixed rate ends in noise, and decile
    accuracy suffers first. Adadelta (Zeiler 2012, with his constants) scales its steps by itself.
    """
    clipped: Any = {"global_clipnorm": settings.clip_norm}
    if settings.optimizer == "adadelta":
        return keras.optimizers.Adadelta(settings.learning_rate, rho=0.95, epsilon=1e-6, **clipped)
    falling: Any = keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps)
    return keras.optimizers.Adam(falling, **clipped)


def forget_models() -> None:
    """Free what Keras keeps of models made before; a process that trains many would grow otherwise."""
    keras.backend.clear_session()


def predict(model: MaLSTM, data: Examples) -> np.ndarray:
    """Predict similarities, float64 (n_pairs,), with each song encoded once; not calibrated."""
    embeddings = encode(model, data.songs)
    return Similarity(model.similarity.kind)(embeddings[data.left], embeddings[data.right])


def encode(model: MaLSTM, songs: Windows) -> np.ndarray:
    """Embed songs with Keras: float32 (n_songs, width)."""
    numbers = np.arange(len(songs.lengths))
    parts = [numbers[start : start + SONGS_A_CALL] for start in range(0, len(numbers), SONGS_A_CALL)]
    found = []
    for part in parts:
        read = batches.inputs(songs, part, SONGS_A_CALL)
        if model.bag_of_words is not None:
            read["distinct"] = songs.distinct(part, SONGS_A_CALL)
        found.append(model.predict_on_batch(read)[: len(part)])
    return np.concatenate(found)


def add_bag_of_words(model: MaLSTM, bag: Bag) -> MaLSTM:
    """A trained model whose heads answer the mean of its own answers and those of a bag of words.

    The bag is added after training: it fits the songs it learned from too well to teach on them.
    """
    both = MaLSTM(replace(model.architecture, bag_of_words=True), name=model.name)
    for layer in model.layers:
        both.get_layer(layer.name).set_weights(layer.get_weights())
    for name, array in bag._asdict().items():
        getattr(both.bag_of_words, name).assign(array)
    return both


def pretrain(
    model: MaLSTM,
    prepared: TrainingData,
    settings: params.Experiment,
    checkpoint: Path,
    report: Report,
    *,
    workers: Workers | None = None,
) -> list[Epoch]:
    """Train a model of the same settings on the pairs of `pretrain_on`, and begin with its best weights.

    Without such pairs nothing happens. Args, Returns, Raises: see `fit`; the checkpoint is that of the task,
    beside which this training has one of its own.
    """
    if not prepared.before:
        return []
    first = make_model(settings, prepared._replace(parts=prepared.before))
    own = checkpoints.of_pretraining(checkpoint)
    history = fit(first, prepared.before, settings, own, report, workers=workers)
    _assign(model.trainable_variables, values(first.trainable_variables))
    return history


def fit(
    model: MaLSTM,
    parts: dict[str, Examples],
    settings: params.Experiment,
    checkpoint: Path,
    report: Report,
    *,
    workers: Workers | None = None,
) -> list[Epoch]:
    """Train until `epochs`, or until `patience` epochs brought nothing better on val; leave the best weights.

    Without val pairs all epochs run and the last weights stay.

    Args:
        model: from `make_model`.
        parts: from `examples`.
        settings: of the experiment.
        checkpoint: file written after each epoch; where it stands already, training goes on from it.
        report: called after each step, and with the val figures when the epoch is over.
        workers: those that train together, each on its share; None: this process alone.

    Returns:
        One record an epoch: epoch, loss, accuracy, and, with val pairs, `val_figures`, of which workers other
        than the chief have val_loss alone.

    Raises:
        ValueError: the checkpoint cannot be read, or is of another model.
        ConnectionAbortedError: a worker is gone; the checkpoint is that of the last whole epoch.
    """
    history, best = _restore(checkpoint, model)
    if workers is not None:
        history, best = workers.begin(history, best, _state(model), checkpoint)
    step = workers.trainer(model, settings) if workers is not None else trainer(model, settings)
    while len(history) < settings.epochs and len(history) - best_epoch(history) < settings.patience:
        record = _train_epoch(step, parts["train"], settings, len(history) + 1, report)
        if workers is not None and not workers.chief:
            record = workers.hear(record)
        elif len(parts["val"].left):
            predicted = predict(model, parts["val"])
            record |= val_figures(parts["val"], predicted, settings.loss)
        history.append(record)
        if best_epoch(history) == len(history):
            best = values(model.trainable_variables)
        if workers is None or workers.chief:
            checkpoints.write(checkpoint, Checkpoint(history, values(_state(model)), best))
            if workers is not None:
                workers.tell(record)
        report(record, None)
    _assign(model.trainable_variables, best)
    return history


def val_figures(val: Examples, predicted: np.ndarray, loss: str) -> Epoch:
    """The loss and the metrics of one epoch on val; NaN where one is undefined.

    Where val has unlisted pairs, one of them is val_listed_auc: the share of a listed and an unlisted pair
    that `predicted` puts in this order.
    """
    truth, answers = metrics.Answers.of(val.similarity), metrics.Answers.of(predicted)
    thresholds: dict[str, float] = dict.fromkeys(metrics.THRESHOLDED, 0.5)
    once = [np.ones((1, len(predicted)))]
    measured = metrics.measure(truth, {"model": answers}, {"model": thresholds}, once)["model"]
    found = {name: float(of_sample) for name, [of_sample] in measured.items()}
    found["loss"] = found["mse"] if loss == "mse" else _cross_entropy(val.similarity, predicted)
    if not val.listed.all():
        found["pooled_listed_auc"] = _auc(val.listed, predicted)
    return {f"val_{name}": found[metric.name] for name, metric in ON_VAL.items() if metric.name in found}


def _auc(positive: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve by the rank sum (Hanley & McNeil 1982); NaN without both classes."""
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    ranks = rankdata(score)
    if not n_positive or not n_negative:
        return math.nan
    return float((ranks[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def _cross_entropy(similarity: np.ndarray, predicted: np.ndarray) -> float:
    clipped = np.clip(predicted, 1e-7, 1 - 1e-7)  # as Keras clips
    return float(-np.mean(similarity * np.log(clipped) + (1 - similarity) * np.log(1 - clipped)))


def best_epoch(history: list[Epoch]) -> int:
    """The epoch, from 1, of the lowest val loss; the last one without val pairs; 0 before the first."""
    losses = [record.get("val_loss", -record["epoch"]) for record in history]
    # A diverged epoch's loss is NaN, which argmin would take for the lowest.
    return int(np.argmin(np.nan_to_num(losses, nan=np.inf))) + 1 if losses else 0


def trainer(model: MaLSTM, settings: params.Experiment) -> batches.Step:
    """How one process takes a step."""
    if keras.backend.backend() == "tensorflow":
        from neuralist.training import step_tensorflow  # other backends may have no TensorFlow

        return step_tensorflow.trainer(model, settings)
    heads = model.architecture.heads
    loss: Any = losses.pair_loss(settings.loss)
    metric: Any = [losses.accuracy]
    if heads:
        loss = {"similarity": loss, "answers": losses.heads_loss(heads, settings.heads)}
        metric = {"similarity": metric}
    model.compile(model.optimizer, loss=loss, metrics=metric)

    def step(batch: Any, targets: Any) -> tuple[np.ndarray, float]:
        figures: Any = model.train_on_batch(
            batch, targets if heads else targets["similarity"], return_dict=True
        )
        right = figures["similarity_accuracy" if heads else "accuracy"]
        return np.array([figures["loss"], right], dtype=float), batches.n_counted(targets)

    return step


def _train_epoch(
    step: batches.Step, data: Examples, settings: params.Experiment, epoch: int, report: Report
) -> Epoch:
    n_steps = batches.steps(data, settings)
    record: Epoch = {"epoch": epoch}
    seen, totals = 0.0, np.zeros(2)
    for number, (batch, targets) in enumerate(batches.draw(data, settings, epoch), start=1):
        figures, weight = step(batch, targets)
        totals += weight * figures
        seen += weight
        record["loss"], record["accuracy"] = (totals / max(seen, 1.0)).tolist()
        report(record, (number, n_steps))
    return record


def _restore(path: Path, model: MaLSTM) -> tuple[list[Epoch], list[np.ndarray]]:
    """The history and the best weights so far, and the model's state as the checkpoint has it.

    Raises:
        ValueError: the checkpoint cannot be read, or is of another model.
    """
    found = checkpoints.read(path)
    if found is None:
        return [], values(model.trainable_variables)
    own = [tuple(variable.shape) for variable in _state(model)]
    if [value.shape for value in found.state] != own:
        raise ValueError(f"{path}: no checkpoint of this training; remove it")
    _assign(_state(model), found.state)
    return found.history, found.best


def _state(model: MaLSTM) -> list[Any]:
    """All that training changes: weights, random seeds and the optimizer's moments."""
    variables = [*model.variables, *model.optimizer.variables]
    frozen = None if model.vectors.trainable else model.vectors.embeddings
    return [variable for variable in variables if variable is not frozen]


def values(variables: list[Any]) -> list[np.ndarray]:
    """Variables as arrays."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def _assign(variables: list[Any], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
