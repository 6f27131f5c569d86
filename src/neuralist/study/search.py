"""A study: Optuna looks for better settings of one experiment, on val alone (Akiba et al., KDD 2019).

Input: params `study`, the experiment it starts from, its tables. Output: an Optuna study in a journal file or
in any Optuna storage, its trials as tables, the best one's settings.

Trials are queued when the study is made, the first with the experiment's own settings. Several processes take
them from the queue, on one machine or on many; a trial whose process died is taken up again, with the same
settings, after its last full epoch. So no trial is lost or run twice, and one process alone always comes to
the same trials: what number n is given depends on the seed, n and the trials before.
"""

import hashlib
import json
import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import optuna
import pandas as pd
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from neuralist.config import params
from neuralist.config.metric_table import ON_VAL
from neuralist.config.records import BestTrial
from neuralist.study import queue
from neuralist.text.word_vectors import WordVectors
from neuralist.training import checkpoints, examples, loop
from neuralist.training.pretraining import Graded

# Called with the number of a trial when it begins, after each of its epochs and when it is over.
Report = Callable[[int], None]


class Search(NamedTuple):
    """What a study is about."""

    settings: params.Study
    base: params.Experiment  # of the experiment that trials change
    songs: pd.DataFrame
    listing: pd.DataFrame  # of pair_sets.Listings.of
    words: WordVectors
    graded: Graded | None = None  # of pretraining.load

    def name(self, experiment: str) -> str:
        """Name the study by all that decides its trials but their number."""
        prepared = examples.prepare(self.base, self.songs, self.listing, self.words, self.graded)
        if not len(prepared.parts["val"].left):
            raise ValueError(f"study: {experiment} has no val pairs to compare trials on; add songs")
        if ON_VAL[self.settings.metric].of == "ranking" and prepared.parts["val"].listed.all():
            raise ValueError(
                f"study.metric: received {self.settings.metric!r}, but {experiment} has no unlisted val "
                "pairs, which need songs with lists; choose another metric"
            )
        kept = self.settings.model_dump(exclude={"trials", "storage"})
        digest = hashlib.sha256(json.dumps([kept, prepared.fingerprint], sort_keys=True).encode())
        return f"{experiment}-{digest.hexdigest()[:16]}"


def open_study(search: Search, name: str, folder: Path) -> queue.Queue:
    """Open a study or make it, with as many trials queued as it shall have.

    Args:
        search: what it is about.
        name: from `Search.name`.
        folder: for locks and checkpoints; holds the journal, unless params name another storage.

    Raises:
        ValueError: the storage cannot be opened.
    """
    settings = search.settings
    folder.mkdir(parents=True, exist_ok=True)
    storage = queue.storage(settings.storage, folder)
    with queue.reached(settings.storage):
        study = optuna.create_study(
            storage=storage.trials,
            study_name=name,
            direction="minimize" if ON_VAL[settings.metric].lower_is_better else "maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=settings.prune_after),
            load_if_exists=True,
        )
        opened = queue.Queue(study, storage, folder)
        with queue.alone(opened):
            for number in range(len(study.get_trials(deepcopy=False)), settings.trials):
                study.enqueue_trial(_within(settings.space, search.base) if number == 0 else {})
    return opened


def _within(space: params.Space, base: params.Experiment) -> dict[str, Any]:
    """The experiment's own settings, where the space holds them."""
    return {name: own for name in space if params.holds(space[name], own := getattr(base, name))}


def work(search: Search, opened: queue.Queue, report: Report) -> None:
    """Run trials until none is left, also those of processes that died meanwhile.

    Args:
        search: what the study is about.
        opened: from `open_study`.
        report: what to call as trials go on.
    """
    with queue.reached(search.settings.storage):
        while True:
            with queue.claimed(search.settings, opened) as trial:
                if trial is None:
                    return
                checkpoint = checkpoints.of_trial(opened.folder, trial.number)
                report(trial.number)
                # Else another machine, to which this one was long silent, has taken the trial and ended it.
                with suppress(UpdateFinishedTrialError):
                    _run(search, opened.study, trial, checkpoint, report)
                for left in opened.folder.glob(f"*{checkpoint.name}"):
                    left.unlink()
                report(trial.number)


def _run(search: Search, study: optuna.Study, trial: optuna.Trial, checkpoint: Path, report: Report) -> None:
    try:
        value = _objective(search, trial, checkpoint, report)
    except optuna.TrialPruned:
        study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
    else:
        # A metric that stayed undefined is no value: Optuna counts such a trial as failed.
        state = TrialState.COMPLETE if math.isfinite(value) else TrialState.FAIL
        study.tell(trial, value if state == TrialState.COMPLETE else None, state, skip_if_finished=True)


def _objective(search: Search, trial: optuna.Trial, checkpoint: Path, report: Report) -> float:
    """Train with a trial's settings; the metric on val after the epoch of the lowest val loss."""
    settings = search.settings
    chosen = {name: _suggest(trial, name, entry) for name, entry in settings.space.items()}
    experiment = search.base.model_copy(update={"epochs": settings.epochs, **chosen})
    prepared = examples.prepare(experiment, search.songs, search.listing, search.words, search.graded)
    loop.forget_models()
    model = loop.make_model(experiment, prepared)
    loop.pretrain(model, prepared, experiment, checkpoint, lambda record, at: None)
    metric = f"val_{settings.metric}"
    # Of a process that died; where its checkpoint is not, on another machine, all epochs are trained again.
    reported = trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values

    def epoch_over(record: loop.Epoch) -> None:
        if math.isfinite(record[metric]) and record["epoch"] - 1 not in reported:
            trial.report(record[metric], int(record["epoch"]) - 1)
        report(trial.number)

    def after(record: loop.Epoch, at: tuple[int, int] | None) -> None:
        if at is None:
            epoch_over(record)
            if trial.should_prune():
                raise optuna.TrialPruned

    kept = checkpoints.read(checkpoint)
    for record in kept.history if kept else []:
        if record["epoch"] - 1 not in reported:
            epoch_over(record)
    history = loop.fit(model, prepared.parts, experiment, checkpoint, after)
    return history[loop.best_epoch(history) - 1][metric]


def _suggest(trial: optuna.Trial, name: str, entry: params.Interval | tuple[Any, ...]) -> Any:
    if not isinstance(entry, params.Interval):
        return trial.suggest_categorical(name, entry)
    if isinstance(entry.low, int) and isinstance(entry.high, int):
        return trial.suggest_int(name, entry.low, entry.high, log=entry.log)
    return trial.suggest_float(name, entry.low, entry.high, log=entry.log)


def trials(study: optuna.Study, settings: params.Study) -> pd.DataFrame:
    """One row a trial: trial (number), state, value, epochs (run), and a column for each setting searched."""
    rows = [
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            "value": trial.value,
            "epochs": len(trial.intermediate_values),
            **{name: trial.params.get(name) for name in settings.space},
        }
        for trial in study.get_trials(deepcopy=False)[: settings.trials]
    ]
    return pd.DataFrame(rows)


def epochs(study: optuna.Study, settings: params.Study) -> pd.DataFrame:
    """One row an epoch of a trial: trial, epoch (from 1), value, the metric on val."""
    rows = [
        (trial.number, step + 1, value)
        for trial in study.get_trials(deepcopy=False)[: settings.trials]
        for step, value in sorted(trial.intermediate_values.items())
    ]
    return pd.DataFrame(rows, columns=["trial", "epoch", "value"])


def best(study: optuna.Study, settings: params.Study, experiment: str) -> BestTrial:
    """The best of the trials that came to a value.

    Raises:
        ValueError: no trial came to a value.
    """
    complete = [
        trial
        for trial in study.get_trials(deepcopy=False)[: settings.trials]
        if trial.state == TrialState.COMPLETE
    ]
    if not complete:
        raise ValueError(
            f"study: none of {settings.trials} trials came to a value of {settings.metric}; "
            "allow more epochs (study.epochs), or narrow study.space"
        )
    sign = ON_VAL[settings.metric].sign
    # Of equally good ones the first, so that the order of workers does not matter.
    chosen = max(complete, key=lambda trial: (sign * (trial.value or 0.0), -trial.number))
    return BestTrial(
        study=study.study_name,
        experiment=experiment,
        trial=chosen.number,
        metric=f"val_{settings.metric}",
        value=float(f"{chosen.value:.6g}"),
        # The learning rate falls along all epochs, so they belong to the settings.
        params={"epochs": settings.epochs, **{name: chosen.params[name] for name in settings.space}},
    )
