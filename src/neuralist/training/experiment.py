"""Train and save an experiment: pretraining, training, bag of words, folder.

Input: settings, `TrainingData`. Output: the folder that `saving` writes.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from neuralist import console
from neuralist.config import params
from neuralist.training import checkpoints, loop, saving
from neuralist.training.checkpoints import Epoch
from neuralist.training.distributed.workers import Workers
from neuralist.training.examples import TrainingData


def train_experiment(  # noqa: PLR0913  the last three, by keyword, are for some callers only
    name: str,
    settings: params.Experiment,
    prepared: TrainingData,
    folder: Path,
    checkpoint_folder: Path,
    *,
    after: Callable[[int, Epoch], None] = lambda *_: None,
    title: str | None = None,
    workers: Workers | None = None,
) -> str:
    """Pretrain an experiment if it has `pretrain_on`, train it, and save it.

    Args:
        name: of the experiment.
        settings: of the experiment.
        prepared: its training data.
        folder: to write.
        checkpoint_folder: of this training, which resumes from it after a kill; removed at the end.
        after: called after each epoch with its number and metrics.
        title: of the progress bar; by default the name.
        workers: the workers that train together, of which the chief saves; None: this process alone.

    Returns:
        A one-line summary.

    Raises:
        ValueError: a checkpoint there cannot be read, or is of another model.
        ArithmeticError: the exported graph and the model give different embeddings.
        ConnectionAbortedError: a worker is gone.
    """
    model, checkpoint = loop.make_model(settings, prepared), checkpoints.of_training(checkpoint_folder)
    title = title or name
    if prepared.pretraining_splits:
        with console.epochs(f"{title} pretraining", settings.epochs, lambda *_: None) as report:
            loop.pretrain(model, prepared, settings, checkpoint, report, workers=workers)
    with console.epochs(title, settings.epochs, after) as report:
        history = loop.fit(model, prepared.splits, settings, checkpoint, report, workers=workers)
    if workers is not None and not workers.chief:
        return f"{name}: best epoch {loop.best_epoch(history)} of {len(history)}; worker 0 saves it"
    if prepared.bag_of_words is not None:
        model = loop.add_bag_of_words(model, prepared.bag_of_words)
    message = saving.save_experiment(name, settings, prepared, (model, history), folder)
    shutil.rmtree(checkpoint_folder)
    return message
