"""Search better settings of one experiment with Optuna (Akiba et al., KDD 2019), on val alone.

Input: params `study`, the experiment to start from, its tables. Output: an Optuna study in a journal file or
in any Optuna storage, its trials as tables, the best trial's settings.

Trials are queued when the study is created, the first with the experiment's own settings. Several processes
take them from the queue, on one machine or on many; a trial whose process died is resumed with the same
settings, after its last complete epoch. So no trial is lost or run twice, and a single process always gets
the same trials: the settings of trial n depend on the seed, n and the earlier trials.
"""

import hashlib
import json
import math
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optuna
import pandas as pd
from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import StudyDirection
from optuna.trial import TrialState

from neuralist import metrics
from neuralist.config import params
from neuralist.config.metric_table import ON_VAL
from neuralist.config.records import BestTrial
from neuralist.study import queue
from neuralist.text.word_vectors import WordVectors
from neuralist.training import checkpoints, examples, loop
from neuralist.training.pretraining import Graded

# Attributes of a trial, for whoever reads Optuna's dashboard.
UNDEFINED = "undefined"  # why it ended without a value, and did not crash
PRUNED = "pruned"  # why it was stopped
KEPT = "kept epoch"  # the epoch whose model gave the value
# Called with the number of a trial when it starts, after each of its epochs and when it ends.
Report = Callable[[int], None]


class Search(NamedTuple):
    """The input of a study: its settings, and the data its trials train on."""

    settings: params.Study
    base: params.Experiment  # the experiment whose settings trials change
    songs: pd.DataFrame
    listing: pd.DataFrame  # from pair_sets.Listings.of
    words: WordVectors
    graded: Graded | None = None  # from pretraining.load

    def name(self, experiment: str) -> str:
        """Return the study's name, with a hash of everything that decides its trials but their number."""
        prepared = examples.prepare(self.base, self.songs, self.listing, self.words, self.graded)
        deciding_settings = self.settings.model_dump(exclude={"trials", "storage"})
        deciding = json.dumps([deciding_settings, prepared.fingerprint], sort_keys=True)
        return f"{experiment}-{hashlib.sha256(deciding.encode()).hexdigest()[:16]}"


def explain_skip(listing: pd.DataFrame, metric: str, experiment: str) -> str | None:
    """Return why the val pairs of an experiment cannot tell trials apart by a metric; None where they can.

    Args:
        listing: from pair_sets.Listings.of.
        metric: a key of metric_table.ON_VAL.
        experiment: its name.
    """
    val = listing.loc[listing["split"] == "val"]
    grades, is_similar = val["similarity"].unique(), (val["similarity"] >= 0.5).unique()
    if val.empty:
        reason = f"{experiment} has no val pairs; add texts and pairs"
    elif len(grades) == 1:
        reason = f"all val pairs of {experiment} have the similarity {grades[0]:g}; add other grades"
    elif metric == "average_precision" and len(is_similar) == 1:
        side = "similar" if is_similar[0] else "dissimilar"
        reason = f"all val pairs of {experiment} are {side}; choose another study.metric than {metric}"
    elif ON_VAL[metric].of == "ranking" and val["listed"].all():
        reason = (
            f"{experiment} has no unlisted val pairs; add lists, or choose another study.metric than {metric}"
        )
    else:
        return None
    return f"no settings were searched, for {reason}"


def open_study(search: Search, name: str, folder: Path) -> queue.Queue:
    """Open or create a study, with all its trials queued.

    Args:
        search: the input of the study.
        name: from `Search.name`.
        folder: of checkpoints; it has the journal of all studies, unless params name another storage, and a
            folder study-<name> for the locks and checkpoints of this one.

    Raises:
        ValueError: the storage cannot be opened.
    """
    settings = search.settings
    own = folder / f"study-{name}"
    own.mkdir(parents=True, exist_ok=True)
    storage = queue.storage(settings.storage, folder)
    if settings.storage is None:
        queue.adopt(storage, folder, name)
    with queue.storage_errors(settings.storage):
        study = optuna.create_study(
            storage=storage.trials,
            study_name=name,
            direction="minimize" if ON_VAL[settings.metric].lower_is_better else "maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=settings.prune_after),
            load_if_exists=True,
        )
        trial_queue = queue.Queue(study, storage, own)
        with queue.locked(trial_queue):
            _describe(study, settings)
            for number in range(len(study.get_trials(deepcopy=False)), settings.trials):
                study.enqueue_trial(_settings_in_space(settings.space, search.base) if number == 0 else {})
    return trial_queue


def _describe(study: optuna.Study, settings: params.Study) -> None:
    """Say in the study what its values are; a repeated call writes nothing."""
    described = {
        "metric": f"val_{settings.metric}, on validation pairs, at the epoch of the lowest val_loss",
        "epochs": settings.epochs,
        "prune_after": settings.prune_after,
        "seed": settings.seed,
    }
    if study.user_attrs.items() >= described.items():
        return
    study.set_metric_names([f"val_{settings.metric}"])
    for name, value in described.items():
        study.set_user_attr(name, value)


def _settings_in_space(space: params.Space, base: params.Experiment) -> dict[str, Any]:
    """Return the experiment's own settings, as far as they lie in the search space."""
    return {name: value for name in space if params.holds(space[name], value := getattr(base, name))}


def work(search: Search, trial_queue: queue.Queue, report: Report) -> None:
    """Run trials until none is left, those of processes that died meanwhile included.

    Args:
        search: the input of the study.
        trial_queue: from `open_study`.
        report: see `Report`.
    """
    with queue.storage_errors(search.settings.storage):
        while True:
            with queue.claimed(search.settings, trial_queue) as trial:
                if trial is None:
                    return
                checkpoint = checkpoints.of_trial(trial_queue.folder, trial.number)
                report(trial.number)
                # Raised where this process was silent for long, and another machine took and ended the trial.
                with suppress(UpdateFinishedTrialError):
                    _run(search, trial_queue.study, trial, checkpoint, report)
                for file in trial_queue.folder.glob(f"*{checkpoint.name}"):
                    file.unlink()
                report(trial.number)


def _run(search: Search, study: optuna.Study, trial: optuna.Trial, checkpoint: Path, report: Report) -> None:
    try:
        value = _objective(search, trial, checkpoint, report)
    except optuna.TrialPruned:
        study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
    else:
        if math.isfinite(value):
            study.tell(trial, value, TrialState.COMPLETE, skip_if_finished=True)
        else:  # Optuna counts it as failed
            trial.set_user_attr(UNDEFINED, f"{search.settings.metric} has no value at the epoch that is kept")
            study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)


def _objective(search: Search, trial: optuna.Trial, checkpoint: Path, report: Report) -> float:
    """Train with a trial's settings; return the metric on val at the epoch of the lowest val loss."""
    settings = search.settings
    suggested = {name: _suggest(trial, name, entry) for name, entry in settings.space.items()}
    experiment = search.base.model_copy(update={"epochs": settings.epochs, **suggested})
    prepared = examples.prepare(experiment, search.songs, search.listing, search.words, search.graded)
    loop.forget_models()
    model = loop.make_model(experiment, prepared)
    loop.pretrain(model, prepared, experiment, checkpoint, lambda record, step: None)
    metric = f"val_{settings.metric}"
    # By a process that died; without its checkpoint, which is on its machine, all epochs are trained again.
    reported = trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values

    def epoch_over(record: loop.Epoch) -> None:
        if math.isfinite(record[metric]) and record["epoch"] - 1 not in reported:
            trial.report(record[metric], int(record["epoch"]) - 1)
        report(trial.number)

    def after(record: loop.Epoch, step: tuple[int, int] | None) -> None:
        if step is None:
            epoch_over(record)
            if trial.should_prune():
                trial.set_user_attr(PRUNED, _explain_pruned(trial, metric, record))
                raise optuna.TrialPruned

    saved = checkpoints.read(checkpoint)
    for record in saved.history if saved else []:
        if record["epoch"] - 1 not in reported:
            epoch_over(record)
    history = loop.fit(model, prepared.splits, experiment, checkpoint, after)
    kept = loop.best_epoch(history)
    trial.set_user_attr(KEPT, kept)
    return history[kept - 1][metric]


def _explain_pruned(trial: optuna.Trial, metric: str, record: loop.Epoch) -> str:
    """Return what the median pruner compared: a trial's best value so far, and others' after this epoch."""
    study, epoch = trial.study, int(record["epoch"])
    others = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    values = [each.intermediate_values[epoch - 1] for each in others if epoch - 1 in each.intermediate_values]
    own = list(study.get_trials(deepcopy=False)[trial.number].intermediate_values.values())
    best = min(own) if study.direction == StudyDirection.MINIMIZE else max(own)
    return (
        f"after epoch {epoch}: its best {metric}, {best:.4f}, is worse than {np.median(values):.4f}, "
        f"the median of {len(values)} complete trials after that epoch"
    )


def _suggest(trial: optuna.Trial, name: str, entry: params.Interval | tuple[Any, ...]) -> Any:
    if not isinstance(entry, params.Interval):
        return trial.suggest_categorical(name, entry)
    if isinstance(entry.low, int) and isinstance(entry.high, int):
        return trial.suggest_int(name, entry.low, entry.high, log=entry.log)
    return trial.suggest_float(name, entry.low, entry.high, log=entry.log)


def trials(study: optuna.Study, settings: params.Study) -> pd.DataFrame:
    """Tabulate trials: trial (number), state, value, epochs (run), and a column for each searched setting.

    A setting has its own type in every row: a trial that has not begun has None, and makes no 25 a 25.0.
    """
    rows = [
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            "value": trial.value,
            "epochs": len(trial.intermediate_values),
            **{name: trial.params.get(name) for name in settings.space},
        }
        for trial in queue.trials(study, settings)
    ]
    table = pd.DataFrame(rows, dtype=object)
    return table.astype({"trial": "int64", "state": "str", "value": "float64", "epochs": "int64"})


def epochs(study: optuna.Study, settings: params.Study) -> pd.DataFrame:
    """Tabulate the epochs of trials: trial, epoch (from 1), value (the metric on val)."""
    rows = [
        (trial.number, step + 1, value)
        for trial in queue.trials(study, settings)
        for step, value in sorted(trial.intermediate_values.items())
    ]
    return pd.DataFrame(rows, columns=["trial", "epoch", "value"])


def times(study: optuna.Study, settings: params.Study) -> dict[int, tuple[int, int]]:
    """Return start and end of the finished trials that this machine ran, in milliseconds since 1970.

    Those of other machines are left out: Optuna keeps the time of a clock, and not its time zone.

    Returns:
        (start, end) by a trial's number.
    """
    return {
        trial.number: (_milliseconds(trial.datetime_start), _milliseconds(trial.datetime_complete))
        for trial in queue.trials(study, settings)
        if trial.datetime_start and trial.datetime_complete and queue.ran_here(trial)
    }


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def explain_no_value(study: optuna.Study, settings: params.Study) -> str | None:
    """Return why the trials, all of which ran to their end, have no best; None where that is not so."""
    ended = queue.trials(study, settings)
    if not ended or not all(
        trial.state == TrialState.PRUNED or trial.user_attrs.get(UNDEFINED) for trial in ended
    ):
        return None
    return (
        f"no settings were chosen, for none of {settings.trials} trials came to a value of {settings.metric}"
        "; choose another study.metric, allow more epochs (study.epochs), or narrow the space of the study"
    )


def best(study: optuna.Study, settings: params.Study, experiment: str, base: params.Experiment) -> BestTrial:
    """Return the best of the completed trials, beside that with the experiment's own settings.

    Args:
        study: its trials.
        settings: the study's settings.
        experiment: name of the experiment that trials start from.
        base: its settings.

    Raises:
        ValueError: no trial is complete.
    """
    complete = [trial for trial in queue.trials(study, settings) if trial.state == TrialState.COMPLETE]
    if not complete:
        raise ValueError(
            f"study: none of {settings.trials} trials came to a value of {settings.metric}; "
            "allow more epochs (study.epochs), or narrow the space of the study"
        )
    sign = ON_VAL[settings.metric].sign
    scores = {trial.number: sign * (trial.value or 0.0) for trial in complete}
    # Ties go to the lowest number, so that the order of workers does not matter.
    best_trial = max(complete, key=lambda trial: (scores[trial.number], -trial.number))
    outside = tuple(name for name in settings.space if name not in _settings_in_space(settings.space, base))
    own = None if outside else scores.get(0)
    better = [number for number, score in scores.items() if own is not None and score > own]
    return BestTrial(
        study=study.study_name,
        experiment=experiment,
        trial=best_trial.number,
        metric=f"val_{settings.metric}",
        value=metrics.rounded(sign * scores[best_trial.number]),
        own_value=None if own is None else metrics.rounded(sign * own),
        first_better=min(better, default=None),
        outside=outside or None,
        # The learning rate's schedule depends on the number of epochs, so it is one of the settings.
        params={"epochs": settings.epochs, **{name: best_trial.params[name] for name in settings.space}},
    )


def explain_gain(trial: BestTrial) -> str:
    """Return a sentence: the value of the experiment's own settings, and the first trial that beats it."""
    if trial.outside:
        names = ", ".join(trial.outside)
        return f"no trial has {trial.experiment}'s own settings, for the space lacks its {names}"
    own = f"trial 0, {trial.experiment}'s own settings"
    if trial.own_value is None:
        return f"{own}, was stopped early or came to no value"
    if trial.first_better is None:
        return f"{own}, has {trial.own_value:.4f}, and no trial has a better one"
    return f"{own}, has {trial.own_value:.4f}; the first better one is trial {trial.first_better}"
