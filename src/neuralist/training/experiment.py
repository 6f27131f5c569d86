"""Train and save an experiment: pretraining, training, bag of words, folder.

Input: settings, `TrainingData`. Output: the folder that `saving` writes, and histograms.npz where the
settings ask for histograms.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from neuralist import console
from neuralist.config import params
from neuralist.model import histograms
from neuralist.training import checkpoints, loop, saving
from neuralist.training.checkpoints import Epoch
from neuralist.training.distributed.workers import Workers
from neuralist.training.examples import TrainingData
from neuralist.training.saving import Trained


def _nothing(*_: object) -> None:
    pass


def train_experiment(  # noqa: PLR0913  the last three, by keyword, are for some callers only
    name: str,
    settings: params.Experiment,
    prepared: TrainingData,
    folder: Path,
    checkpoint_folder: Path,
    *,
    after: Callable[[int, Epoch], None] = _nothing,
    title: str | None = None,
    workers: Workers | None = None,
) -> str:
    """Pretrain an experiment if it has `pretrain_on`, train it, and save it; an ensemble once for each seed.

    Args:
        name: of the experiment.
        settings: of the experiment.
        prepared: its training data.
        folder: to write.
        checkpoint_folder: of this training, which resumes from it after a kill; removed at the end.
        after: called after each epoch with its number and metrics; of an ensemble, of the first training.
        title: of the progress bar; by default the name.
        workers: the workers that train together, of which the chief saves; None: this process alone.

    Returns:
        A one-line summary.

    Raises:
        ValueError: a checkpoint there cannot be read, or is of another model.
        ArithmeticError: the exported graph and the model give different embeddings.
        ConnectionAbortedError: a worker is gone.
    """
    trained: list[Trained] = []
    for number, seeded in enumerate(members(settings)):
        of_several = f" ({number + 1} of {settings.ensemble})" if settings.ensemble > 1 else ""
        checkpoint = checkpoints.of_training(checkpoint_folder, number)
        report = after if number == 0 else _nothing
        trained.append(_train(seeded, prepared, checkpoint, report, f"{title or name}{of_several}", workers))
    if workers is not None and not workers.chief:
        epochs = len(trained[0].history)
        return f"{name}: best epoch {loop.best_epoch(trained[0].history)} of {epochs}; worker 0 saves it"
    message = saving.save_experiment(name, settings, prepared, trained, folder)
    seen = checkpoints.histograms_beside(checkpoints.of_training(checkpoint_folder))
    kept = folder / histograms.FILE
    kept.unlink(missing_ok=True)  # of an earlier training
    if seen.exists():
        shutil.copyfile(seen, kept)
    shutil.rmtree(checkpoint_folder)
    return message


def members(settings: params.Experiment) -> list[params.Experiment]:
    """Return the settings of each training of an ensemble, which has seeds that follow each other."""
    seeds = range(settings.seed, settings.seed + settings.ensemble)
    return [settings.model_copy(update={"seed": seed}) for seed in seeds]


def _train(
    settings: params.Experiment,
    prepared: TrainingData,
    checkpoint: Path,
    after: Callable[[int, Epoch], None],
    title: str,
    workers: Workers | None,
) -> Trained:
    """Pretrain and train one model."""
    model = loop.make_model(settings, prepared)
    if prepared.pretraining_splits:
        with console.epochs(f"{title} pretraining", settings.epochs, _nothing) as report:
            loop.pretrain(model, prepared, settings, checkpoint, report, workers=workers)
    with console.epochs(title, settings.epochs, after) as report:
        history = loop.fit(model, prepared.splits, settings, checkpoint, report, workers=workers)
    if prepared.bag_of_words is not None:
        # With style the bag stands for two regressions, and each counts as much as the LSTM.
        share = 1 / 2 if prepared.style is None else 2 / 3
        model = loop.add_bag_of_words(model, prepared.bag_of_words, share)
    return Trained(model, history)
