"""Fit a MaLSTM to examples, resumable after every epoch; used by stages study, train and tuned.

Everything random in epoch e follows from (seed, e) or from the checkpoint, so that a run killed in any epoch
and resumed ends with the weights of an undisturbed one.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import mannwhitneyu

from neuralist import metrics
from neuralist.config import params
from neuralist.config.metric_table import ON_VAL
from neuralist.model import averaged_vectors, histograms, losses
from neuralist.model.backend import keras
from neuralist.model.bag_of_words import Bag
from neuralist.model.malstm import Architecture, MaLSTM
from neuralist.model.similarity import PairRegression, Similarity, Steepness
from neuralist.text.vocabulary import Windows
from neuralist.training import batches, checkpoints, pair_regression
from neuralist.training.checkpoints import Checkpoint, Epoch
from neuralist.training.distributed.workers import Workers
from neuralist.training.examples import Examples, TrainingData

SONGS_A_CALL = 128
SHORT = 50  # words
# Called with the epoch's metrics so far and (step, n_steps), or None at the end of the epoch.
Report = Callable[[Epoch, tuple[int, int] | None], None]


def make_model(settings: params.Experiment, prepared: TrainingData) -> MaLSTM:
    """Make an untrained model with its optimizer; the loss `mse` is equation 4 of the paper."""
    vectors, train = prepared.vectors, prepared.splits["train"]
    keras.utils.set_random_seed(settings.seed)
    model = MaLSTM(
        Architecture(
            n_tokens=len(vectors.matrix),
            dimensions=vectors.matrix.shape[1],
            units=settings.units,
            similarity=settings.similarity,
            bidirectional=settings.bidirectional,
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
    # With few words the overhead of calls dominates, and XLA compiles a step into one; but it draws dropout
    # masks slowly. "auto" does not use XLA on a CPU, and torch has none.
    short = settings.max_tokens <= SHORT and not settings.dropout
    jit: Any = (keras.backend.backend() == "tensorflow" and short) or "auto"
    model.compile(optimizer, jit_compile=jit)
    optimizer.build(model.trainable_variables)
    return model


def _optimizer(settings: params.Experiment, steps: int) -> keras.optimizers.Optimizer:
    """Make the optimizer: Adam with cosine decay of the learning rate over all steps, or Adadelta.

    Adam's schedule is Loshchilov & Hutter's (2017, without restarts): with a fixed rate
    weights keep fluctuating, which decile accuracy shows first. Adadelta has Zeiler's constants (2012).
    """
    clipping: Any = {"global_clipnorm": settings.clip_norm}
    if settings.optimizer == "adadelta":
        return keras.optimizers.Adadelta(settings.learning_rate, rho=0.95, epsilon=1e-6, **clipping)
    schedule: Any = keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps)
    return keras.optimizers.Adam(schedule, **clipping)


def forget_models() -> None:
    """Free Keras' state of earlier models; the memory of a process that trains many would grow otherwise."""
    keras.backend.clear_session()


def predict(models: Sequence[MaLSTM], data: Examples) -> np.ndarray:
    """Predict similarities, float64 (n_pairs,), with each song encoded once; not calibrated."""
    embeddings = encode(models, data.songs)
    return similarity(models)(embeddings[data.left], embeddings[data.right])


def similarity(
    models: Sequence[MaLSTM], regression: PairRegression | None = None, n_averaged: int = 0
) -> Similarity:
    """Return the similarity of the embeddings of a model, or of an ensemble; not calibrated.

    Args:
        models: of the ensemble, or one.
        regression: of the heads' answers, to judge pairs by in place of the models' own similarity.
        n_averaged: coordinates of averaged vectors, which join it.
    """
    kind, networks = models[0].architecture.similarity, []
    if regression is not None:
        kind = "logistic"
        heads = [model.auxiliary_heads for model in models if model.auxiliary_heads is not None]
        scales = [values([of_model.scale])[0] for of_model in heads]
        networks = [
            pair_regression.of_embeddings(regression, scale).with_cosine(n_averaged, averaged_vectors.WEIGHT)
            for scale in scales
        ]
    elif kind == "learned":
        networks = [
            Steepness(*values([getattr(model.similarity, name) for name in Steepness._fields]))
            for model in models
        ]
    return Similarity(kind, networks=tuple(networks), n_encoders=len(models))


def encode(models: Sequence[MaLSTM], songs: Windows) -> np.ndarray:
    """Embed songs with Keras, float32 (n_songs, width): the models' embeddings, in a row."""
    return np.concatenate([_encode(model, songs) for model in models], axis=1)


def _encode(model: MaLSTM, songs: Windows) -> np.ndarray:
    n_songs, embeddings = len(songs.lengths), []
    for chunk in np.split(np.arange(n_songs), range(SONGS_A_CALL, n_songs, SONGS_A_CALL)):
        model_inputs = batches.inputs(songs, chunk, SONGS_A_CALL)
        if model.bag_of_words is not None:
            [representatives] = values([model.bag_of_words.representatives])
            model_inputs["distinct"] = songs.distinct(chunk, SONGS_A_CALL, representatives)
        embeddings.append(model.predict_on_batch(model_inputs)[: len(chunk)])
    return np.concatenate(embeddings)


def add_bag_of_words(model: MaLSTM, bag: Bag, share: float) -> MaLSTM:
    """Return a copy of a trained model whose heads average their predictions with those of a bag of words.

    They are combined after training: the bag fits its training songs too closely to be trained with.

    Args:
        model: the trained model.
        bag: of the same heads.
        share: of the bag in the mean.
    """
    combined = MaLSTM(replace(model.architecture, bag_of_words=True, bag_share=share), name=model.name)
    for layer in model.layers:
        combined.get_layer(layer.name).set_weights(layer.get_weights())
    for name, array in bag._asdict().items():
        getattr(combined.bag_of_words, name).assign(array)
    return combined


def pretrain(
    model: MaLSTM,
    prepared: TrainingData,
    settings: params.Experiment,
    checkpoint: Path,
    report: Report,
    *,
    workers: Workers | None = None,
) -> list[Epoch]:
    """Train a model of the same settings on the pairs of `pretrain_on`, and copy its best weights to `model`.

    Without such pairs nothing happens. Args, Returns, Raises: see `fit`; `checkpoint` is that of the training
    that follows, and pretraining has its own beside it.
    """
    if not prepared.pretraining_splits:
        return []
    pretrained = make_model(settings, prepared._replace(splits=prepared.pretraining_splits))
    own_checkpoint = checkpoints.of_pretraining(checkpoint)
    history = fit(pretrained, prepared.pretraining_splits, settings, own_checkpoint, report, workers=workers)
    _assign(model.trainable_variables, values(pretrained.trainable_variables))
    return history


def fit(
    model: MaLSTM,
    splits: dict[str, Examples],
    settings: params.Experiment,
    checkpoint: Path,
    report: Report,
    *,
    workers: Workers | None = None,
) -> list[Epoch]:
    """Train for `epochs`, or until val has not improved for `patience` epochs; restore the best weights.

    Without val pairs all epochs run and the last weights are used.

    Args:
        model: from `make_model`.
        splits: train and val examples.
        settings: of the experiment.
        checkpoint: file written after each epoch; training resumes from it where it exists.
        report: called after each step, and with the metrics on val after each epoch.
        workers: the workers that train together, each on its share; None: this process alone.

    Returns:
        The metrics of each epoch: epoch, loss, accuracy, and, with val pairs, `val_metrics`, of which workers
        other than the chief have val_loss alone.

    Raises:
        ValueError: the checkpoint cannot be read, or is of another model.
        ConnectionAbortedError: a worker is gone; the checkpoint is that of the last complete epoch.
    """
    history, best = _restore(checkpoint, model)
    if workers is not None:
        history, best = workers.begin(history, best, _state(model), checkpoint)
    step = workers.trainer(model, settings) if workers is not None else trainer(model, settings)
    while len(history) < settings.epochs and len(history) - best_epoch(history) < settings.patience:
        measured = _train_epoch(step, splits["train"], settings, len(history) + 1, report)
        if workers is not None and not workers.chief:
            measured = workers.receive_epoch(measured)
        elif len(splits["val"].left):
            predicted = predict([model], splits["val"])
            measured |= val_metrics(splits["val"], predicted, settings.loss)
        history.append(measured)
        if best_epoch(history) == len(history):
            best = values(model.trainable_variables)
        if settings.histograms and workers is None:
            histograms.add(
                checkpoints.histograms_beside(checkpoint),
                len(history),
                weights_and_gradients(model, splits["train"], settings, len(history)),
            )
        if workers is None or workers.chief:
            checkpoints.write(checkpoint, Checkpoint(history, values(_state(model)), best))
            if workers is not None:
                workers.send_epoch(measured)
        report(measured, None)
    _assign(model.trainable_variables, best)
    return history


def val_metrics(val: Examples, predicted: np.ndarray, loss: str) -> Epoch:
    """Compute the loss and the metrics of one epoch on val; NaN where one is undefined.

    Where val has unlisted pairs, `val_listed_auc` is one AUC of all listed against all unlisted pairs: the
    metric pooled_listed_auc, not the mean over queries that evaluation calls listed_auc.
    """
    truth, answers = metrics.Answers.of(val.similarity), metrics.Answers.of(predicted)
    thresholds: dict[str, float] = dict.fromkeys(metrics.THRESHOLDED, 0.5)
    weights = [np.ones((1, len(predicted)))]
    measured = metrics.measure(truth, {"model": answers}, {"model": thresholds}, weights)["model"]
    by_name = {name: float(value) for name, [value] in measured.items()}
    by_name["loss"] = by_name["mse"] if loss == "mse" else _cross_entropy(val.similarity, predicted)
    if not val.listed.all():
        by_name["pooled_listed_auc"] = _auc(val.listed, predicted)
    return {f"val_{name}": by_name[metric.name] for name, metric in ON_VAL.items() if metric.name in by_name}


def _auc(positive: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve by the rank sum (Hanley & McNeil 1982); NaN without both classes."""
    if positive.all() or not positive.any():
        return math.nan
    rank_sum, _ = mannwhitneyu(score[positive], score[~positive], method="asymptotic")
    return float(rank_sum / (positive.sum() * (~positive).sum()))


def _cross_entropy(similarity: np.ndarray, predicted: np.ndarray) -> float:
    clipped = np.clip(predicted, 1e-7, 1 - 1e-7)  # as Keras clips
    return float(-np.mean(similarity * np.log(clipped) + (1 - similarity) * np.log(1 - clipped)))


def best_epoch(history: list[Epoch]) -> int:
    """The epoch, from 1, of the lowest val loss; the last one without val pairs; 0 before the first."""
    losses = [epoch.get("val_loss", -epoch["epoch"]) for epoch in history]
    # A diverged epoch's loss is NaN, which argmin would take for the lowest.
    return int(np.argmin(np.nan_to_num(losses, nan=np.inf))) + 1 if losses else 0


def trainer(model: MaLSTM, settings: params.Experiment) -> batches.Step:
    """Make the function by which one process takes a step."""
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
        truth = targets if heads else targets["similarity"]
        results: Any = model.train_on_batch(batch, truth, return_dict=True)
        accuracy = results["similarity_accuracy" if heads else "accuracy"]
        return np.array([results["loss"], accuracy], dtype=float), batches.n_counted(targets)

    return step


def _train_epoch(
    step: batches.Step, data: Examples, settings: params.Experiment, epoch: int, report: Report
) -> Epoch:
    n_steps = batches.steps(data, settings)
    measured: Epoch = {"epoch": epoch}
    n_pairs, totals = 0.0, np.zeros(2)
    for number, (batch, targets) in enumerate(batches.draw(data, settings, epoch), start=1):
        figures, weight = step(batch, targets)
        totals += weight * figures
        n_pairs += weight
        measured["loss"], measured["accuracy"] = (totals / max(n_pairs, 1.0)).tolist()
        report(measured, (number, n_steps))
    return measured


def weights_and_gradients(
    model: MaLSTM, data: Examples, settings: params.Experiment, epoch: int
) -> dict[str, np.ndarray]:
    """Return the weights, and their gradients on the first batch of an epoch; the model stays as it was.

    Only TensorFlow gives gradients; with other backends there are weights alone.

    Returns:
        weights/<name> and gradients/<name> to an array of that weight's shape.
    """
    # A weight's path begins with the name of the model.
    names = [variable.path.partition("/")[2] for variable in model.trainable_variables]
    arrays = dict(zip((f"weights/{name}" for name in names), values(model.trainable_variables), strict=True))
    if keras.backend.backend() != "tensorflow":
        return arrays
    from neuralist.training import step_tensorflow  # other backends may have no TensorFlow

    before = values(_state(model))
    batch, targets = next(batches.draw(data, settings, epoch))
    computed = step_tensorflow.gradients_of_batch(model, settings, batch, targets)
    _assign(_state(model), before)  # dropout has moved the random seeds
    return arrays | dict(zip((f"gradients/{name}" for name in names), computed, strict=True))


def _restore(path: Path, model: MaLSTM) -> tuple[list[Epoch], list[np.ndarray]]:
    """Return the history and the best weights of a checkpoint, and set the model to its state.

    Raises:
        ValueError: the checkpoint cannot be read, or is of another model.
    """
    checkpoint = checkpoints.read(path)
    if checkpoint is None:
        return [], values(model.trainable_variables)
    shapes = [tuple(variable.shape) for variable in _state(model)]
    if [value.shape for value in checkpoint.state] != shapes:
        raise ValueError(f"{path}: no checkpoint of this training; remove it")
    _assign(_state(model), checkpoint.state)
    return checkpoint.history, checkpoint.best


def _state(model: MaLSTM) -> list[Any]:
    """Variables that training changes: weights, random seeds and the optimizer's moments."""
    variables = [*model.variables, *model.optimizer.variables]
    frozen = None if model.vectors.trainable else model.vectors.embeddings
    return [variable for variable in variables if variable is not frozen]


def values(variables: list[Any]) -> list[np.ndarray]:
    """Convert variables to arrays."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def _assign(variables: list[Any], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
