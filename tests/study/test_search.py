"""A study: it starts from the experiment's own settings, loses no trial, runs none twice, reads val alone."""

import argparse
import math
import multiprocessing
import os
import runpy
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
import yaml
from optuna.trial import TrialState
from tests.settings import experiment

from neuralist.config import params, records, resolved
from neuralist.study import queue, search
from neuralist.text import word_vectors
from neuralist.tracking import study_runs

pytestmark = pytest.mark.tensorflow

ROOT = Path(__file__).resolve().parents[2]

WORDS = ["moss", "stone", "fern", "lamp", "wire", "dial"]
# With pooling over time a step is not compiled by XLA, which would take seconds a trial.
BASE = experiment(max_tokens=6, units=4, pooling="mean", batch_size=64, learning_rate=0.02, epochs=9)
SPACE = {"units": [2, 4, 8], "pooling": ["last", "mean"], "learning_rate": {"low": 0.01, "high": 0.05}}


def settings(**own: Any) -> params.Study:
    values = {
        "experiment": None,
        "metric": "loss",
        "trials": 3,
        "epochs": 2,
        "prune_after": 1,
        "storage": None,
        "seed": 3,
        "space": SPACE,
    }
    return params.Study.model_validate(values | own)


def task(**own: Any) -> search.Search:
    """Two worlds, moss and wires: songs of one world are alike; test songs would break any reader."""
    rng = np.random.default_rng(9)
    lyrics: list[Any] = [" ".join(rng.choice(WORDS[:3] if i % 2 else WORDS[3:], size=5)) for i in range(14)]
    lyrics[13] = None
    songs = pd.DataFrame({"song_id": [f"s{i:02}" for i in range(14)], "lyrics": lyrics})
    split = ["train"] * 9 + ["val"] * 4 + ["test"]
    pairs = pd.DataFrame(
        [
            (f"s{i:02}", f"s{j:02}", 0.9 if (i - j) % 2 == 0 else 0.1, split[j])
            for j in range(14)
            for i in range(j)
        ],
        columns=["left_id", "right_id", "similarity", "split"],
    ).assign(listed=True, weight=1.0)
    words = word_vectors.assemble({word: rng.normal(size=8) for word in WORDS}, 3.0, "made", {})
    return search.Search(settings(**own), BASE, songs, pairs, words)


def quiet(number: int) -> None:
    """Report to nobody."""


def run(folder: Path, report: Any = quiet, **own: Any) -> optuna.Study:
    asked = task(**own)
    opened = search.open_study(asked, asked.name("base"), folder)
    search.work(asked, opened, report)
    return opened.study


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    done = run(tmp_path_factory.mktemp("study"))
    return (
        search.trials(done, settings()),
        search.epochs(done, settings()),
        search.best(done, settings(), "base", BASE),
    )


def test_the_first_trial_has_the_experiments_own_settings(undisturbed: Any) -> None:
    first = undisturbed[0].iloc[0]
    assert (first["units"], first["pooling"], first["learning_rate"]) == (4, "mean", 0.02)


def test_every_trial_is_over_and_within_the_space(undisturbed: Any) -> None:
    trials, epochs, _ = undisturbed
    assert trials["trial"].tolist() == [0, 1, 2]
    assert set(trials["state"]) <= {"complete", "pruned"}
    assert set(trials["units"]) <= {2, 4, 8}
    assert trials["learning_rate"].between(0.01, 0.05).all()
    assert len(trials[["units", "pooling", "learning_rate"]].drop_duplicates()) == 3
    assert epochs.groupby("trial").size().tolist() == trials["epochs"].tolist()


def test_a_trials_value_is_its_lowest_val_loss_and_the_best_trial_has_the_lowest(
    undisturbed: Any,
) -> None:
    trials, epochs, best = undisturbed
    complete = trials[trials["state"] == "complete"]
    lowest = epochs.groupby("trial")["value"].min()
    assert complete["value"].tolist() == [pytest.approx(lowest[number]) for number in complete["trial"]]
    chosen = trials.iloc[best.trial]
    assert chosen["value"] == complete["value"].min()
    assert best.params == {"epochs": 2, **{name: chosen[name] for name in SPACE}}
    assert best.value == pytest.approx(chosen["value"], rel=1e-5)


def test_a_study_names_its_metric_and_a_trial_the_epoch_that_is_kept(tmp_path: Path) -> None:
    done = run(tmp_path, trials=1, metric="spearman")
    assert done.metric_names == ["val_spearman"]
    assert (
        done.user_attrs["metric"] == "val_spearman, on validation pairs, at the epoch of the lowest val_loss"
    )
    assert {name: done.user_attrs[name] for name in ("epochs", "prune_after", "seed")} == {
        "epochs": 2, "prune_after": 1, "seed": 3,
    }  # fmt: skip
    [trial] = done.trials
    assert trial.value == trial.intermediate_values[trial.user_attrs[search.KEPT] - 1]


def test_a_study_that_is_opened_again_is_not_described_again(tmp_path: Path) -> None:
    for _ in range(2):
        search.open_study(task(trials=1), "again", tmp_path)
    assert (tmp_path / queue.JOURNAL).read_text().count("at the epoch of the lowest val_loss") == 1


def test_studies_share_a_journal_and_have_a_folder_each(tmp_path: Path) -> None:
    for name in ("one", "two"):
        search.open_study(task(trials=2), name, tmp_path)
    assert queue.journals(tmp_path) == [tmp_path / queue.JOURNAL]
    assert {path.name for path in tmp_path.glob("study-*")} == {"study-one", "study-two"}
    studies = queue.studies(queue.storage(None, tmp_path))
    assert {(each.name, each.ended, each.trials, each.metric, each.best) for each in studies} == {
        ("one", 0, 2, "val_loss", None),
        ("two", 0, 2, "val_loss", None),
    }


# The direction, values after epochs 1 and 2 of five complete trials and of the trial, and the reason.
PRUNED = [
    ("maximize", [(0.1, 0.4), (0.1, 0.5), (0.1, 0.6), (0.1, 0.7), (0.1, 0.8)], (0.3, 0.2),
     "its best val_x, 0.3000, is worse than 0.6000, the median of 5 complete trials after that epoch"),
    ("minimize", [(0.9, 0.4), (0.9, 0.5), (0.9, 0.1), (0.9, 0.2), (0.9, 0.3)], (0.5, 0.8),
     "its best val_x, 0.5000, is worse than 0.3000, the median of 5 complete trials after that epoch"),
]  # fmt: skip


@pytest.mark.parametrize(("direction", "complete", "own", "reason"), PRUNED)
def test_a_trial_that_is_stopped_says_what_it_was_worse_than(
    direction: str, complete: list[tuple[float, float]], own: tuple[float, float], reason: str
) -> None:
    """By Optuna's own pruner, after its second epoch."""
    pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1)
    study = optuna.create_study(direction=direction, pruner=pruner)
    for values in complete:
        study.add_trial(
            optuna.trial.create_trial(value=values[-1], intermediate_values=dict(enumerate(values)))
        )
    trial, stopped = study.ask(), []
    for step, value in enumerate(own):
        trial.report(value, step)
        stopped.append(trial.should_prune())
    assert stopped == [False, True]
    assert search._explain_pruned(trial, "val_x", {"epoch": 2}) == f"after epoch 2: {reason}"


def test_a_setting_has_one_type_also_beside_trials_that_wait() -> None:
    """By itself pandas makes 25.0 of 25, and 1.0 of True, beside a missing value."""
    study = optuna.create_study()
    space = {"units": [25, 50], "bidirectional": [True, False], "dropout": {"low": 0.0, "high": 0.5}}
    asked = settings(trials=2, space=space)
    trial = study.ask()
    for name, entry in asked.space.items():
        search._suggest(trial, name, entry)
    study.enqueue_trial({})

    first, waiting = search.trials(study, asked).to_dict("records")
    assert [type(first[name]) for name in space] == [int, bool, float]
    assert [waiting[name] for name in space] == [None] * 3
    assert (waiting["state"], waiting["epochs"]) == ("waiting", 0)
    assert math.isnan(waiting["value"])


def test_the_times_of_trials_are_those_of_this_machine_alone(tmp_path: Path) -> None:
    asked = task()
    opened = search.open_study(asked, asked.name("base"), tmp_path)
    before = int(time.time() * 1000)
    for value in (0.5, 0.25):
        with queue.claimed(asked.settings, opened) as trial:
            assert trial is not None
            opened.study.tell(trial, value)
    third = opened.study.ask()
    third.set_user_attr("worker", ["another-machine", "/nowhere/trial-2.lock"])
    opened.study.tell(third, 0.125)
    after = int(time.time() * 1000)

    times = search.times(opened.study, asked.settings)
    assert list(times) == [0, 1]
    moments = [before, *times[0], *times[1], after]
    assert moments == sorted(moments)


# --- journals of single studies, as there were before version 0.2.0 ------------------------------------


def own_journal(folder: Path, name: str, values: list[float]) -> Path:
    """A study in a journal of its own, with a trial that waits."""
    (folder / f"study-{name}").mkdir(parents=True, exist_ok=True)
    path = folder / f"study-{name}" / queue.JOURNAL_OF_ONE
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    study = optuna.create_study(storage=storage, study_name=name, load_if_exists=True)
    for value in values:
        study.add_trial(optuna.trial.create_trial(value=value))
    study.enqueue_trial({"units": 4})
    return path


def values_of(storage: queue.Storage, name: str) -> list[float | None]:
    return [trial.value for trial in optuna.load_study(study_name=name, storage=storage.trials).trials]


def test_a_study_with_a_journal_of_its_own_goes_on_in_that_of_all(tmp_path: Path) -> None:
    path = own_journal(tmp_path, "old", [0.5, 0.25])
    opened = search.open_study(task(trials=4), "old", tmp_path)
    assert [trial.value for trial in opened.study.trials] == [0.5, 0.25, None, None]
    assert opened.study.trials[2].system_attrs["fixed_params"] == {"units": 4}
    assert not path.exists()


@pytest.mark.parametrize(("there", "kept"), [([0.1], [0.5, 0.25]), ([0.1, 0.2, 0.3], [0.1, 0.2, 0.3])])
def test_of_two_studies_of_a_name_that_with_more_finished_trials_stays(
    tmp_path: Path, there: list[float], kept: list[float]
) -> None:
    """As when a copying was killed, or an older version ran in between."""
    for values in (there, [0.5, 0.25]):
        own_journal(tmp_path, "old", values)
        storage = queue.storage(None, tmp_path)
        queue.adopt(storage, tmp_path)
    assert values_of(storage, "old") == [*kept, None]
    assert queue.journals(tmp_path) == [tmp_path / queue.JOURNAL]


@pytest.mark.parametrize("damage", [b"\0\0\0\n", b'{"op_code": 0}\n'])
def test_a_damaged_journal_is_named(tmp_path: Path, damage: bytes) -> None:
    search.open_study(task(trials=1), "one", tmp_path)
    path = tmp_path / queue.JOURNAL
    path.write_bytes(damage + path.read_bytes())
    with pytest.raises(
        ValueError, match=r"studies\.journal: damaged \(.*\); restore it from a copy, or move"
    ):
        queue.storage(None, tmp_path)


class Killed(BaseException):
    """Stands for SIGKILL."""


@pytest.mark.parametrize("moment", [1, 3, 6])
def test_a_killed_study_ends_with_the_trials_of_an_undisturbed_one(
    undisturbed: Any, tmp_path: Path, moment: int
) -> None:
    calls = []

    def kill(number: int) -> None:
        calls.append(number)
        if len(calls) == moment:
            raise Killed

    with pytest.raises(Killed):
        run(tmp_path, kill)
    resumed = run(tmp_path)

    pd.testing.assert_frame_equal(search.trials(resumed, settings()), undisturbed[0])
    pd.testing.assert_frame_equal(search.epochs(resumed, settings()), undisturbed[1])


def without_training(asked: search.Search, trial: optuna.Trial, checkpoint: Path, report: Any) -> float:
    """Stands for a training, which a forked process cannot do."""
    units = trial.suggest_int("units", 1, 100)
    time.sleep(0.2)
    report(trial.number)
    return float(units)


def worker(folder: Path, kill_at: int | None) -> None:
    done = []

    def report(number: int) -> None:
        done.append(number)
        (folder / f"began-{number}-{os.getpid()}").touch()
        if kill_at is not None and len(done) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    run(folder, report, trials=6, space={"units": {"low": 1, "high": 100}})


def test_two_processes_share_a_study_and_one_of_them_may_be_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_objective", without_training)
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=worker, args=(tmp_path, kill_at)) for kill_at in (2, None)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(60)
    assert [one.exitcode for one in workers] == [-signal.SIGKILL, 0]

    asked = task(trials=6, space={"units": {"low": 1, "high": 100}})
    trials = search.trials(search.open_study(asked, asked.name("base"), tmp_path).study, asked.settings)
    assert trials["trial"].tolist() == list(range(6))
    assert trials["state"].tolist() == ["complete"] * 6
    began = [
        {int(path.name.split("-")[1]) for path in tmp_path.glob(f"began-*-{one.pid}")} for one in workers
    ]
    assert len(began[0]) == 1, "the process killed in its first trial began no other"
    assert began[1] == set(range(6)), "the other took that one up too"


def test_a_finished_study_is_not_run_again_and_more_trials_go_on_from_it(tmp_path: Path) -> None:
    first = search.trials(run(tmp_path, trials=2), settings(trials=2))
    calls: list[int] = []
    run(tmp_path, calls.append, trials=2)
    assert calls == []
    more = search.trials(run(tmp_path, calls.append, trials=3), settings(trials=3))
    assert set(calls) == {2}
    pd.testing.assert_frame_equal(more.head(2), first)


def test_any_storage_of_optuna_serves(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    done = run(tmp_path, trials=2, storage=url)
    kept = optuna.load_study(study_name=done.study_name, storage=url)
    assert [trial.state.is_finished() for trial in kept.trials] == [True, True]
    assert not queue.journals(tmp_path)


@pytest.mark.parametrize(
    "url", ["nonsense", "postgresql+nodriver://team:s3cret@x/y", "sqlite://team:s3{cret}@x/y"]
)
def test_a_storage_that_cannot_be_opened_is_named_without_its_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(ValueError, match=r"study\.storage: .* cannot be opened") as told:
        run(tmp_path, storage=url)
    assert "cret" not in str(told.value)


def test_a_missing_driver_is_named_with_the_extra_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ValueError, match=r"psycopg.*; pip install 'neuralist\[team\]'\); give an") as told:
        queue.storage("postgresql://team:s3cret@host/optuna", tmp_path)
    assert "cret" not in str(told.value)
    monkeypatch.setitem(sys.modules, "MySQLdb", None)
    with pytest.raises(ValueError, match=r"MySQLdb.*; give an .* with its driver installed") as told:
        queue.storage("mysql://team@host/optuna", tmp_path)
    assert "pip install" not in str(told.value)


def test_a_database_of_an_older_optuna_is_refused_in_one_line(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    queue.storage(url, tmp_path)
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v2.6.0.a'")
    with pytest.raises(ValueError, match=r"study\.storage: .* cannot be opened .*optuna storage upgrade"):
        queue.storage(url, tmp_path)


def test_a_storage_that_fails_on_the_way_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_objective", without_training)

    def fail(number: int) -> None:
        with closing(sqlite3.connect(tmp_path / "study.db")) as connection, connection:
            connection.execute("DROP TABLE IF EXISTS trial_user_attributes")

    with pytest.raises(ValueError, match=r"study\.storage: .*no such table.*goes on where it was"):
        run(tmp_path, fail, storage=f"sqlite:///{tmp_path / 'study.db'}")


def test_a_trial_that_ends_while_another_process_thinks_it_abandoned_stays(tmp_path: Path) -> None:
    asked = task(trials=1)
    opened = search.open_study(asked, asked.name("base"), tmp_path)
    opened.study.ask()
    [seen] = opened.study.get_trials(states=(TrialState.RUNNING,))
    opened.study.tell(0, 0.5)
    assert queue._claim(asked.settings, opened, seen) is None


def test_a_trial_that_another_machine_ended_meanwhile_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []

    def elsewhere(asked: search.Search, trial: optuna.Trial, checkpoint: Path, report: Any) -> float:
        if not ended:
            ended.append(trial.number)
            trial.study.tell(trial.number, 0.25)
        trial.report(0.5, 0)
        return 0.75

    monkeypatch.setattr(search, "_objective", elsewhere)
    done = run(tmp_path, trials=2)
    assert [trial.value for trial in done.trials] == [0.25, 0.75]


def test_a_trial_of_a_silent_machine_is_taken_up_and_of_one_that_speaks_is_not(tmp_path: Path) -> None:
    asked = task(trials=1)
    opened = search.open_study(asked, asked.name("base"), tmp_path).study
    trial = opened.ask()
    trial.set_user_attr("worker", ["another-machine", "/nowhere/trial-0.lock"])
    trial.set_user_attr("seen", time.time())
    [frozen] = opened.get_trials(states=(TrialState.RUNNING,))
    assert not queue._abandoned(frozen)
    trial.set_user_attr("seen", time.time() - queue.SILENCE_S - 1)
    [frozen] = opened.get_trials(states=(TrialState.RUNNING,))
    assert queue._abandoned(frozen)


def test_other_settings_or_data_are_another_study_but_not_more_trials() -> None:
    name = task().name("base")
    assert task(trials=9, storage="sqlite://").name("base") == name
    assert task(seed=4).name("base") != name
    fewer = task()
    assert fewer._replace(listing=fewer.listing.iloc[1:]).name("base") != name


# Val's (similarity, listed), the metric, and the reason; None: the study runs.
VALS = [
    ([], "loss", "base has no val pairs; add texts and pairs"),
    ([(0.0, True)] * 40, "spearman", "all val pairs of base have the similarity 0; add other grades"),
    ([(0.25, True)] * 40, "loss", "all val pairs of base have the similarity 0.25; add other grades"),
    ([(0.5, True), (0.9, True)], "average_precision", "all val pairs of base are similar; choose another "
     "study.metric than average_precision"),
    ([(0.0, True), (0.4, True)], "average_precision", "all val pairs of base are dissimilar; choose another "
     "study.metric than average_precision"),
    ([(0.0, True), (0.4, True)], "spearman", None),
    ([(0.4, True), (0.5, True)], "average_precision", None),
    ([(0.0, True), (0.4, True)], "listed_auc", "base has no unlisted val pairs; add lists, or choose another "
     "study.metric than listed_auc"),
    ([(0.0, False), (1.0, True)], "listed_auc", None),
]  # fmt: skip


@pytest.mark.parametrize(("val", "metric", "reason"), VALS)
def test_a_study_is_skipped_where_val_cannot_tell_trials_apart(
    val: list[tuple[float, bool]], metric: str, reason: str | None
) -> None:
    rows = [(*pair, "val") for pair in val] + [(0.0, True, "train"), (1.0, False, "test")]
    listing = pd.DataFrame(rows, columns=["similarity", "listed", "split"])
    sentence = None if reason is None else f"no settings were searched, for {reason}"

    assert search.explain_skip(listing, metric, "base") == sentence


@pytest.mark.parametrize(("metric", "chosen"), [("loss", 1), ("accuracy", 0), ("average_precision", 0)])
def test_which_way_is_better_follows_from_the_metric(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metric: str, chosen: int
) -> None:
    values = [0.75, 0.25, 0.5]

    def without_training(asked: search.Search, trial: optuna.Trial, *_: Any) -> float:
        trial.suggest_categorical("units", [2, 4, 8])
        return values[trial.number]

    monkeypatch.setattr(search, "_objective", without_training)
    done = run(tmp_path, metric=metric, space={"units": [2, 4, 8]})

    best = search.best(done, settings(metric=metric, space={"units": [2, 4, 8]}), "base", BASE)
    assert (best.trial, best.value, best.metric) == (chosen, values[chosen], f"val_{metric}")
    assert done.best_trial.number == chosen


def with_unlisted(asked: search.Search) -> search.Search:
    """The pairs across the two worlds are unlisted ones."""
    alike = asked.listing["similarity"] > 0.5
    return asked._replace(listing=asked.listing.assign(listed=alike, similarity=0.9 * alike))


def test_a_study_by_listed_auc_chooses_the_highest(tmp_path: Path) -> None:
    asked = with_unlisted(task(metric="listed_auc", trials=2))
    opened = search.open_study(asked, asked.name("base"), tmp_path)
    search.work(asked, opened, quiet)

    best = search.best(opened.study, asked.settings, "base", BASE)
    assert best.metric == "val_listed_auc"
    highest = max(trial.value for trial in opened.study.trials if trial.value is not None)
    assert best.value == pytest.approx(highest, rel=1e-5)


def test_without_a_value_there_is_no_best(tmp_path: Path) -> None:
    asked = task()
    opened = search.open_study(asked, "empty", tmp_path).study
    with pytest.raises(ValueError, match="none of 3 trials came to a value of loss"):
        search.best(opened, asked.settings, "base", BASE)


def test_a_study_whose_metric_is_always_undefined_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_objective", lambda *_: math.nan)
    done = run(tmp_path)

    assert search.trials(done, settings())["state"].tolist() == ["fail"] * 3
    assert search.explain_no_value(done, settings()) == (
        "no settings were chosen, for none of 3 trials came to a value of loss; "
        "choose another study.metric, allow more epochs (study.epochs), or narrow the space of the study"
    )


def test_a_study_with_one_value_has_a_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def only_in_trial_1(asked: search.Search, trial: optuna.Trial, *_: Any) -> float:
        trial.suggest_categorical("units", [2, 4, 8])
        return 0.5 if trial.number == 1 else math.inf

    monkeypatch.setattr(search, "_objective", only_in_trial_1)
    done = run(tmp_path, space={"units": [2, 4, 8]})

    assert search.explain_no_value(done, settings()) is None
    assert search.explain_no_value(optuna.create_study(), settings()) is None, "no trial ran to its end"
    assert search.best(done, settings(space={"units": [2, 4, 8]}), "base", BASE).trial == 1


C, P, F = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL
# The metric, choices of `units` (BASE has 4), trials (units, state, value); then the best trial, the value of
# trial 0, the first better trial, and the sentence.
GAINS = [
    ("accuracy", [2, 4, 8], [(4, C, 0.5), (2, C, 0.25), (8, C, 0.625), (2, C, 0.75)],
     (3, 0.5, 2), "trial 0, base's own settings, has 0.5000; the first better one is trial 2"),
    ("loss", [2, 4, 8], [(4, C, 0.5), (2, C, 0.75), (8, C, 0.25), (2, C, 0.375)],
     (2, 0.5, 2), "trial 0, base's own settings, has 0.5000; the first better one is trial 2"),
    # A pruned trial ended early: its last value is not compared.
    ("accuracy", [2, 4, 8], [(4, C, 0.5), (2, P, 0.875), (8, C, 0.5)],
     (0, 0.5, None), "trial 0, base's own settings, has 0.5000, and no trial has a better one"),
    ("accuracy", [2, 4, 8], [(4, F, None), (2, C, 0.25)],
     (1, None, None), "trial 0, base's own settings, was stopped early or came to no value"),
    ("accuracy", [2, 4, 8], [(4, P, 0.5), (2, C, 0.25)],
     (1, None, None), "trial 0, base's own settings, was stopped early or came to no value"),
    ("accuracy", [2, 8], [(8, C, 0.5), (2, C, 0.75)],
     (1, None, None), "no trial has base's own settings, for the space lacks its units"),
]  # fmt: skip


@pytest.mark.parametrize(("metric", "units", "ended", "expected", "sentence"), GAINS)
def test_the_best_trial_says_how_many_trials_a_gain_needed(
    metric: str, units: list[int], ended: list[Any], expected: tuple[Any, ...], sentence: str
) -> None:
    study = optuna.create_study(direction="minimize" if metric == "loss" else "maximize")
    choices = optuna.distributions.CategoricalDistribution(units)
    for chosen, state, value in ended:
        study.add_trial(
            optuna.trial.create_trial(
                state=state, value=value, params={"units": chosen}, distributions={"units": choices}
            )
        )
    study_settings = settings(metric=metric, trials=len(ended), space={"units": units})

    best = search.best(study, study_settings, "base", BASE)
    assert (best.trial, best.own_value, best.first_better) == expected
    assert best.outside == (None if 4 in units else ("units",))
    assert search.explain_gain(best) == sentence


def test_trials_that_crash_stop_the_study_and_are_not_called_undefined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any) -> float:
        raise MemoryError("no memory left")

    monkeypatch.setattr(search, "_objective", crash)
    asked = task()
    opened = search.open_study(asked, asked.name("base"), tmp_path)
    for _ in range(2):
        with pytest.raises(MemoryError):
            search.work(asked, opened, quiet)

    assert search.explain_no_value(opened.study, asked.settings) is None
    with pytest.raises(ValueError, match="none of 3 trials came to a value of loss"):
        search.best(opened.study, asked.settings, "base", BASE)


def test_the_stage_of_a_study_without_a_value_leaves_a_sentence_and_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An earlier study's files go, and stage `track` records nothing."""
    monkeypatch.setattr(search, "_objective", lambda *_: math.nan)
    monkeypatch.setattr(sys, "argv", ["study.py"])
    stage = runpy.run_path(str(ROOT / "pipelines/study.py"))
    out = tmp_path / "study"
    out.mkdir()
    (out / "best.yaml").touch()
    # As `main` calls it, with tables made here.
    stage["_search"].__globals__["_task"] = lambda *_: task()
    arguments = argparse.Namespace(checkpoints=tmp_path, out=out, worker=False)
    monkeypatch.chdir(ROOT)
    stage["_search"](arguments, resolved.StudySettings(experiment="base", base=BASE, study=settings()))

    assert sorted(path.name for path in out.iterdir()) == ["skipped.txt", "tuned.json"]
    reason = (out / "skipped.txt").read_text()
    assert reason.startswith("no settings were chosen, for none of 3 trials came to a value of loss;")
    assert capsys.readouterr().out.endswith(f"study: {reason}")
    assert study_runs.record(out) is None


def test_with_zero_trials_the_study_and_the_experiment_tuned_say_why_they_are_empty(
    tmp_path: Path, run_script: Callable[[Path, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """The two stages as dvc.yaml calls them; no table need be there, since none is read."""
    reason = "study.trials is 0 in params.yaml, so no settings were searched"
    records.save(resolved.Skipped(skipped=reason), tmp_path / "study.json")
    tables = "songs rows pairs unlisted vectors --pretraining none --checkpoints none"
    stages = {
        "study": f"study.py {tables} --settings study.json --out study",
        "tuned": f"train.py tuned {tables} --settings study/tuned.json --out tuned",
    }
    for name, command in stages.items():
        run_script(tmp_path, command)

        assert (tmp_path / name / "skipped.txt").read_text() == f"{reason}\n"
        assert reason in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "study").iterdir()) == ["skipped.txt", "tuned.json"]
    assert sorted(path.name for path in (tmp_path / "tuned").iterdir()) == ["skipped.txt"]
    assert study_runs.record(tmp_path / "study") is None


def test_a_songmap_by_the_experiment_of_a_study_of_no_trials_is_refused(tmp_path: Path) -> None:
    values = params.read_yaml(ROOT / "params.yaml")
    changes = {"study": {"trials": 0}, "songmap": {"experiment": "tuned"}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params.overlay(values, changes)))

    with pytest.raises(ValueError, match=r"songmap\.experiment: received 'tuned', which is not trained"):
        params.load(tmp_path / "params.yaml")
