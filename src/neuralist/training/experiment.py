"""An experiment, trained and saved: pretraining, the task, the bag of words, the folder.

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


def train_experiment(  # noqa: PLR0913  the last three, by name, are for some callers alone
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
    """Train an experiment, before that on the pairs of `pretrain_on` if it has any, and save it.

    Args:
        name: of the experiment.
        settings: of it.
        prepared: what it is trained on.
        folder: to write.
        checkpoint_folder: folder of this training's own, from which a killed one goes on; removed at the end.
        after: called with each epoch's number and figures when it is over.
        title: of the bar that shows how far it is; its name, where none is given.
        workers: those that train it together, of whom the chief alone saves; None: this process alone.

    Returns:
        A line that says how it went.

    Raises:
        ValueError: a checkpoint there cannot be read, or is of another model.
        ArithmeticError: the exported graph does not say what the model says.
        ConnectionAbortedError: a worker is gone.
    """
    model, checkpoint = loop.make_model(settings, prepared), checkpoints.of_training(checkpoint_folder)
    title = title or name
    if prepared.before:
        with console.epochs(f"{title} pretraining", settings.epochs, lambda *_: None) as report:
            loop.pretrain(model, prepared, settings, checkpoint, report, workers=workers)
    with console.epochs(title, settings.epochs, after) as report:
        history = loop.fit(model, prepared.parts, settings, checkpoint, report, workers=workers)
    if workers is not None and not workers.chief:
        return f"{name}: best epoch {loop.best_epoch(history)} of {len(history)}; worker 0 saves it"
    if prepared.bag_of_words is not None:
        model = loop.add_bag_of_words(model, prepared.bag_of_words)
    message = saving.save_experiment(name, settings, prepared, (model, history), folder)
    shutil.rmtree(checkpoint_folder)
    return message
