"""Two revisions of a small made repository: what is equal, what differs, and paired differences by hand."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from tests import trained

from neuralist.config import params
from neuralist.config.records import Estimate
from neuralist.data import parquet, tables
from neuralist.revisions import report, revision
from neuralist.revisions.differences import ScoredSplit, match_predictions, paired_differences
from neuralist.revisions.revision import Out, Revision

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = params.Evaluate(draws=50, level=0.95, sentence_encoder=None, seed=1)
METRICS, PREDICTIONS = "artifacts/metrics.json", "artifacts/predictions.parquet"
MODEL = "artifacts/experiments/lyrics"


class Store:
    """A cache as DVC keeps it, and revisions whose outs are in it."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder

    def put(self, content: bytes, suffix: str = "") -> str:
        """Keep a file, and give its md5."""
        md5 = hashlib.md5(content).hexdigest() + suffix
        (self.cache / md5[:2]).mkdir(parents=True, exist_ok=True)
        (self.cache / md5[:2] / md5[2:]).write_bytes(content)
        return md5

    def folder(self, **files: bytes) -> str:
        """Keep files and the list of them, and give the list's md5."""
        listing = [{"md5": self.put(content), "relpath": name} for name, content in files.items()]
        return self.put(json.dumps(listing).encode(), ".dir")

    def revision(self, headline: dict[str, dict[str, float | None]] | None = None, **outs: str) -> Revision:
        """A revision whose outs, path to md5, are all of stage s."""
        return Revision(
            "abc subject", {path: Out("s", md5) for path, md5 in outs.items()}, headline or {}, self.cache
        )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


def text(here: Revision, there: Revision) -> str:
    """The report without its line breaks, which stand where 100 columns end."""
    return " ".join(report.report(here, there, SETTINGS).split())


def keras(weights: bytes, config: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("config.json", config)
        file.writestr("model.weights.h5", weights)
    return made.getvalue()


def predictions(
    *rows: tuple[str, str, float, float], experiment: str = "a", split: str = "test"
) -> pd.DataFrame:
    """Listed pairs (left, right, true similarity, predicted)."""
    full = [(experiment, split, left, right, true, True, answer) for left, right, true, answer in rows]
    return pd.DataFrame(full, columns=tables.PREDICTIONS.names)


def table(store: Store, frame: pd.DataFrame, schema: Any) -> str:
    path = store.cache.parent / "table.parquet"
    parquet.write(frame, schema, path)
    return store.put(path.read_bytes())


def songs(store: Store, *names: str) -> str:
    frame = pd.DataFrame({"song_id": names}).assign(
        track_ids=[[]] * len(names),
        artist="x",
        title="x",
        year=None,
        tags=[[]] * len(names),
        lastfm_tags=[[]] * len(names),
        lastfm_weights=[[]] * len(names),
        genre="x",
        language="en",
        lyrics="la",
        raw_lyrics="la",
        n_words=1,
        has_list=True,
        group_id="x",
        fold=0,
    )
    return table(store, frame, tables.SONGS)


def entry(mse: float = 0.0, **own: Any) -> dict[str, Any]:
    """An experiment's metrics with one metric on test, of protocol paper unless `own` says otherwise."""
    counts = {"n_pairs": 2, "n_songs": 3}
    measured = counts | {"metrics": {"mse": trained.figure(mse, 0.0, 1.0)}, "baselines": {}}
    empty = counts | {"metrics": {}, "baselines": {}}
    return trained.entry("paper") | {"splits": {"val": empty, "test": measured}} | own


def scored(store: Store, frame: pd.DataFrame, metrics: dict[str, Any] | None = None) -> Revision:
    """A revision with the metrics, predictions and songs that paired differences are made of."""
    outs = {
        METRICS: store.put(json.dumps(metrics or {"a": entry()}).encode()),
        PREDICTIONS: table(store, frame, tables.PREDICTIONS),
        "artifacts/songs.parquet": songs(store, *"klmnopq"),
    }
    return store.revision(**outs)


def test_figures_stand_side_by_side_and_equal_ones_are_counted(store: Store) -> None:
    here = store.revision({"a": {"mse": 0.25, "spearman": 0.5}, "b": {"mse": 0.5}})
    there = store.revision({"a": {"mse": 0.5, "spearman": 0.5}, "b": {"mse": 0.5}})
    made = text(here, there)

    assert "| mse | 0.25 | 0.5 | -0.25 |" in made
    assert "1 of 2 figures are equal" in made
    assert "| spearman" not in made
    assert "All 1 figures are equal in: b, test." in made


def test_an_experiment_on_one_side_only_is_said_with_its_figures(store: Store) -> None:
    made = text(store.revision({"a": {"mse": 0.25}}), store.revision({"b": {"mse": 0.5, "roc_auc": None}}))

    assert "### a, test (only here) mse 0.25" in made
    assert "### b, test (only there) mse 0.5, roc_auc –" in made


def test_metrics_in_one_file_or_in_one_for_each_experiment_are_the_same(store: Store) -> None:
    whole = store.revision(**{METRICS: store.put(json.dumps({"a": entry(0.25)}).encode())})
    single = json.dumps(entry(0.5)).encode()
    apart = store.revision(**{"artifacts/metrics/a.json": store.put(single)})
    within = store.revision(**{"artifacts/metrics": store.folder(**{"a.json": single})})

    assert apart.metrics == within.metrics == trained.metrics(a=entry(0.5))
    assert "| mse | 0.25 | 0.5 | -0.25 |" in text(whole, apart)


def test_estimates_of_today_are_compared_with_the_metrics_of_an_older_commit(store: Store) -> None:
    """Today artifacts/metrics holds plain figures, which are read by nobody here."""
    plain = store.folder(**{"a.json": b'{"mse": 0.5}'})
    estimates = store.folder(**{"a.json": json.dumps(entry(0.5)).encode()})
    here = store.revision(**{"artifacts/estimates": estimates, "artifacts/metrics": plain})
    there = store.revision(
        **{"artifacts/metrics": store.folder(**{"a.json": json.dumps(entry(0.25)).encode()})}
    )

    assert here.metrics == trained.metrics(a=entry(0.5))
    assert here.unread == []
    assert "| mse | 0.5 | 0.25 | +0.25 |" in text(here, there)


def test_without_its_cache_an_older_commit_is_compared_by_its_headline_of_all(store: Store) -> None:
    both = {"a.json": json.dumps(entry(0.5)).encode(), "b.json": json.dumps(entry(0.75)).encode()}
    here = store.revision({"a": {"mse": 0.5}}, **{"artifacts/estimates": store.folder(**both)})
    made = text(here, store.revision({"a": {"mse": 0.5}, "b": {"mse": 0.25}}))

    assert "### b, test 0 of 1 figures are equal. | metric | here | there | difference |" in made
    assert "| mse | 0.75 | 0.25 | +0.5 |" in made
    assert "All 1 figures are equal in: a, test." in made
    assert "only" not in made.partition("## Outs")[0]


def test_metrics_that_lack_what_they_hold_today_are_named_beside_the_headline(store: Store) -> None:
    old = {key: value for key, value in entry(0.25).items() if key != "target"}
    here = store.revision({"a": {"mse": 0.5}}, **{METRICS: store.put(json.dumps({"a": entry(0.5)}).encode())})
    there = store.revision({"a": {"mse": 0.25}}, **{METRICS: store.put(json.dumps({"a": old}).encode())})

    assert "Metrics that lack what they hold today, of there: a." in text(here, there)
    assert "| mse | 0.5 | 0.25 | +0.25 |" in text(here, there)


def test_a_figure_whose_interval_alone_differs_is_shown(store: Store) -> None:
    moved = entry(0.25)
    moved["splits"]["test"]["metrics"]["mse"]["low"] = 0.125
    here, there = (
        store.revision(**{METRICS: store.put(json.dumps({"a": e}).encode())}) for e in (moved, entry(0.25))
    )

    assert "| mse | 0.25 | 0.25 | its interval alone |" in text(here, there)


def test_figures_of_baselines_that_differ_are_counted_by_baseline(store: Store) -> None:
    sides = []
    for value in (0.5, 0.25):
        made = entry()
        made["splits"]["test"]["baselines"] = {
            "ridge": {"mse": trained.figure(value) | {"difference": trained.figure(None)}},
            "tags": {"mse": trained.figure(1) | {"difference": trained.figure(None)}},
        }
        sides.append(store.revision(**{METRICS: store.put(json.dumps({"a": made}).encode())}))

    assert "Baselines: 1 figures are equal, 1 differ, those of: ridge." in text(*sides)


def test_counts_that_differ_are_shown_by_their_keys(store: Store) -> None:
    contents = ({"songs": 3, "rejects": {"no text": 2}}, {"songs": 3, "rejects": {"no text": 1, "odd": 1}})
    here, there = (
        store.revision(**{"artifacts/counts.json": store.put(json.dumps(content).encode())})
        for content in contents
    )
    made = text(here, there)

    assert "1 of 3 counts are equal." in made
    assert "| rejects / no text | 2 | 1 |" in made
    assert "| rejects / odd | – | 1 |" in made


def test_outs_are_equal_differ_or_stand_on_one_side(store: Store) -> None:
    here = store.revision(**{"x": store.put(b"1"), "y": store.put(b"2"), "new": store.put(b"3")})
    there = store.revision(**{"x": store.put(b"1"), "y": store.put(b"4"), "old": store.put(b"3")})
    made = text(here, there)

    assert "1 of 4 outs are equal byte by byte." in made
    for line in ("- s: equal: x", "- s: other bytes: y", "- s: only here: new", "- s: only there: old"):
        assert line in made


def test_of_a_folder_it_is_said_which_files_differ(store: Store) -> None:
    here = store.revision(**{MODEL: store.folder(**{"a.txt": b"1", "b.txt": b"2", "c.txt": b"3"})})
    there = store.revision(**{MODEL: store.folder(**{"a.txt": b"1", "b.txt": b"9", "d.txt": b"3"})})

    assert f"{MODEL} (b.txt, c.txt only here, d.txt only there; equal: a.txt)" in text(here, there)


@pytest.mark.parametrize(("weights", "said"), [(b"w", "is equal"), (b"v", "differs")])
def test_of_two_saved_models_it_is_said_whether_the_weights_are_equal(
    store: Store, weights: bytes, said: str
) -> None:
    here = store.revision(**{MODEL: store.folder(**{"model.keras": keras(b"w", b"old module")})})
    there = store.revision(**{MODEL: store.folder(**{"model.keras": keras(weights, b"new module")})})

    assert f"{MODEL} (model.keras whose model.weights.h5 {said}; equal: none)" in text(here, there)


def test_what_the_cache_lacks_is_said_with_a_remedy_and_the_rest_is_compared(store: Store) -> None:
    here = scored(store, predictions(("k", "l", 0.5, 0.5)))
    absent = {METRICS: "0" * 32, PREDICTIONS: "1" * 32, MODEL: "2" * 32 + ".dir", "page.html": "3" * 32}
    here.outs[MODEL] = Out("s", store.folder(x=b"1"))
    made = text(here, store.revision({"a": {"mse": 0.5}}, **absent))

    assert f"Not in DVC's cache, of there: {METRICS}, {PREDICTIONS}, {MODEL}. What needs them" in made
    assert "Not in DVC's cache, of here" not in made
    assert "`dvc pull` at that commit, or `dvc repro` there, in another clone that shares this cache" in made
    assert "| mse | 0 | 0.5 | -0.5 |" in made


def test_predictions_with_other_columns_do_not_stop_the_report(store: Store) -> None:
    old = predictions(("k", "l", 0.5, 0.5)).drop(columns="listed")
    there = scored(store, predictions(("k", "l", 0.5, 0.5)))
    there.outs[PREDICTIONS] = Out("s", store.put(old.to_parquet()))
    made = text(scored(store, predictions(("k", "l", 0.5, 0.25))), there)

    assert "Predictions are not compared:" in made
    assert "- s: other bytes: artifacts/predictions.parquet" in made


def test_predictions_are_joined_by_ids_whatever_the_order_of_rows() -> None:
    here = predictions(("k", "l", 0.5, 0.1), ("m", "n", 0.5, 0.2))
    there = predictions(("m", "n", 0.5, 0.4), ("k", "l", 0.5 + 1e-12, 0.3))
    made = match_predictions(here, there).set_index("left_id")

    assert made.loc["k", ["predicted", "predicted_there"]].tolist() == [0.1, 0.3]
    assert made.loc["m", ["predicted", "predicted_there"]].tolist() == [0.2, 0.4]
    assert (made["side"] == "both").all()


def test_a_row_that_repeats_is_matched_as_often_as_both_have_it() -> None:
    here = predictions(("k", "l", 0.5, 0.1), ("k", "l", 0.5, 0.1), ("k", "l", 0.5, 0.1), ("k", "l", 0.7, 0.1))
    there = predictions(("k", "l", 0.7, 0.2), ("k", "l", 0.5, 0.2), ("k", "l", 0.5, 0.2))
    made = match_predictions(here, there)

    assert made["side"].value_counts().to_dict() == {"both": 3, "left_only": 1, "right_only": 0}
    assert made.loc[made["side"] == "left_only", "similarity"].tolist() == [0.5]


def test_a_row_whose_truth_differs_stands_on_each_side_alone() -> None:
    made = match_predictions(predictions(("k", "l", 0.5, 0.1)), predictions(("k", "l", 0.6, 0.1)))

    assert sorted(made["side"]) == ["left_only", "right_only"]


def test_a_paired_difference_is_that_of_the_shared_pairs_in_every_resample(store: Store) -> None:
    """Here misses each shared pair by 0.1 and there by 0.2: squares 0.01 and 0.04, whatever is drawn."""
    here = scored(store, predictions(("k", "l", 0.5, 0.6), ("m", "n", 0.3, 0.2), ("o", "p", 0.1, 0.9)))
    there = scored(store, predictions(("m", "n", 0.3, 0.5), ("k", "l", 0.5, 0.3)))
    made = paired_differences(here, there, SETTINGS)[ScoredSplit("a", "test")]

    assert (made.shared, made.only_here, made.only_there, made.changed) == (2, 1, 0, 2)
    assert made.largest == pytest.approx(0.3)
    assert made.differences["mse"] == Estimate(value=-0.03, low=-0.03, high=-0.03)
    # Deciles 6, 2 (here) and 3, 5 (there) beside the true 5, 3: both of here within one, none of there.
    assert made.differences["within_one_decile"] == Estimate(value=1.0, low=1.0, high=1.0)


def test_the_interval_of_a_difference_is_made_of_resampled_songs(store: Store) -> None:
    """One of two pairs differs, by 0.04: the mean is 0.02, 0 or 0.04 where but one of them is drawn."""
    here = scored(store, predictions(("k", "l", 0.5, 0.7), ("m", "n", 0.3, 0.3)))
    there = scored(store, predictions(("k", "l", 0.5, 0.5), ("m", "n", 0.3, 0.3)))
    made = paired_differences(here, there, SETTINGS)[ScoredSplit("a", "test")].differences["mse"]

    assert made == Estimate(value=0.02, low=0.0, high=0.04)


def test_rankings_of_observable_pairs_are_paired_too(store: Store) -> None:
    """Query k has l listed above m unlisted here and below it there: listed AUC 1 and 0, l and m no query."""
    frame = predictions(("k", "l", 0.5, 0.9), ("k", "m", 0.0, 0.1)).assign(listed=[True, False])
    ranks = entry(protocol="songs", target="observable")
    ranks["splits"]["test"]["ranking"] = dict.fromkeys(("n_queries", "n_left_out", "n_pairs", "n_listed"), 1)
    here = scored(store, frame, {"a": ranks})
    there = scored(store, frame.assign(predicted=[0.1, 0.9]), {"a": ranks})

    assert (
        paired_differences(here, there, SETTINGS)[ScoredSplit("a", "test")].differences["listed_auc"].value
        == 1.0
    )


def test_equal_predictions_are_said_to_be_and_are_not_resampled(store: Store) -> None:
    frame = predictions(("k", "l", 0.5, 0.6), ("m", "n", 0.3, 0.2))
    here = scored(store, frame, {"a": entry(0.5)})
    there = scored(store, frame.iloc[::-1], {"a": entry(0.25)})

    assert paired_differences(here, there, SETTINGS)[ScoredSplit("a", "test")].differences == {}
    assert "2 predictions of both sides, all equal; 0 of 1 figures are equal." in text(here, there)
    assert "| mse | 0.5 | 0.25 | +0.25 |" in text(here, there)


def test_the_report_shows_a_paired_difference_and_which_side_is_better(store: Store) -> None:
    here = scored(store, predictions(("k", "l", 0.5, 0.6), ("m", "n", 0.3, 0.2)), {"a": entry(0.01)})
    there = scored(store, predictions(("m", "n", 0.3, 0.5), ("k", "l", 0.5, 0.3)), {"a": entry(0.04)})
    made = text(here, there)

    assert "2 predictions of both sides, 2 differ, by at most 0.3; 0 of 1 figures are equal." in made
    assert "| mse | 0.01 | 0.04 | -0.03 [-0.03, -0.03] better |" in made


def test_experiments_of_another_target_are_not_paired(store: Store) -> None:
    sides = []
    for answer, target in ((0.6, "listed_only"), (0.3, "observable")):
        frames = [predictions(("k", "l", 0.5, answer), experiment=name) for name in ("a", "b")]
        sides.append(scored(store, pd.concat(frames), {"a": entry(answer, target=target), "b": entry()}))
    here, there = sides

    assert ScoredSplit("a", "test") not in paired_differences(here, there, SETTINGS)
    assert "### a, test (protocol or target differs: not paired)" in text(here, there)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git and DVC repository with one commit of results, and the working folder in it."""
    folder = tmp_path / "repository"
    (folder / "artifacts").mkdir(parents=True)
    (folder / ".dvc").mkdir()
    (folder / ".dvc" / "config").write_text("[core]\n    analytics = false\n[cache]\n    dir = ../kept\n")
    monkeypatch.chdir(folder)
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    (folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    git("init", "-q")
    write({"x": "0" * 32}, {"a": {"mse": 0.5}})
    git("add", "-A")
    git("commit", "-qm", "First results")
    return folder


def git(*arguments: str) -> None:
    who = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], check=True)


def write(outs: dict[str, str], headline: dict[str, Any]) -> None:
    stage = {"cmd": "c", "outs": [{"path": path, "hash": "md5", "md5": md5} for path, md5 in outs.items()]}
    Path("dvc.lock").write_text(
        yaml.safe_dump({"schema": "2.0", "stages": {"s": stage, "none": {"cmd": "c"}}})
    )
    Path(revision.HEADLINE).write_text(json.dumps(headline))


def compare(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "pipelines" / "compare.py", *arguments]
    environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_the_script_compares_the_working_tree_with_a_commit(repository: Path) -> None:
    write({"x": "1" * 32}, {"a": {"mse": 0.25}})
    answer = compare("HEAD")
    here, there, *_ = answer.stdout.replace("\n  ", " ").splitlines()

    assert answer.returncode == 0, answer.stderr
    assert here.startswith("Here: working tree at ")
    assert here.endswith("* First results (* with changes in artifacts/headline.json, dvc.lock)")
    assert there.endswith(" First results")
    assert "-0.25" in answer.stdout
    assert "- s: other bytes: x" in answer.stdout


def test_a_working_tree_as_committed_has_no_mark(repository: Path) -> None:
    here = revision.of_working_tree(repository)

    assert "*" not in here.title
    assert here.outs == revision.of_commit("HEAD", repository).outs == {"x": Out("s", "0" * 32)}
    assert here.headline == {"a": {"mse": 0.5}}


def test_the_cache_is_where_dvcs_configuration_says(repository: Path) -> None:
    assert revision.cache_folder() == repository / "kept" / "files" / "md5"


def test_no_commit_or_one_unknown_is_one_clear_line(repository: Path) -> None:
    answer = compare()
    assert answer.returncode == 1
    assert answer.stderr == "error: AGAINST: no commit is given; name one: make compare AGAINST=<commit>\n"
    with pytest.raises(ValueError, match="AGAINST=nosuch: no commit of this repository"):
        revision.of_commit("nosuch", repository)
    with pytest.raises(ValueError, match="AGAINST=--all: no commit of this repository"):
        revision.of_commit("--all", repository)


def test_a_commit_without_dvc_lock_is_refused(repository: Path) -> None:
    git("rm", "-q", "dvc.lock")
    git("commit", "-qm", "Nothing")

    with pytest.raises(ValueError, match=r"AGAINST=HEAD: commit \w+ Nothing has no dvc\.lock"):
        revision.of_commit("HEAD", repository)
    with pytest.raises(ValueError, match=r"dvc\.lock: not in the working folder"):
        revision.of_working_tree(repository)


def test_a_stage_whose_code_changed_since_dvc_lock_is_named(repository: Path) -> None:
    Path("code.py").write_text("1")
    Path("dvc.yaml").write_text(
        "stages:\n  s: {cmd: 'true', deps: [code.py]}\n  t: {cmd: 'true', always_changed: true}\n"
    )

    assert revision.changed_stages() == ["s"]


def test_a_folder_inside_the_checkout_is_refused(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / "work").mkdir()
    (repository / "work" / "dvc.lock").write_text("stages: {}\n")
    monkeypatch.chdir(repository / "work")

    with pytest.raises(ValueError, match="run it in the checkout's own folder"):
        revision.of_working_tree(repository)


@pytest.mark.parametrize(
    ("headline", "read"),
    [
        ({"served": "a", "mse": 0.5, "ndcg_at_10": None}, {"a": {"mse": 0.5, "ndcg_at_10": None}}),
        ({"served": None}, {}),
        ({"a": {"mse": 0.5}, "served": {"mse": 1}}, {"a": {"mse": 0.5}, "served": {"mse": 1.0}}),
    ],
    ids=["the served model's", "nothing is served", "of all, as older commits have it"],
)
def test_a_headline_of_today_and_of_older_commits_is_read(
    repository: Path, headline: dict[str, Any], read: dict[str, Any]
) -> None:
    write({"x": "0" * 32}, headline)
    assert revision.of_working_tree(repository).headline == read


@pytest.mark.parametrize(
    "headline",
    ["[]", "null", '{"a": null}', '{"a": 1}', '{"a": {"mse": "x"}}', '{"served": "a", "mse": "x"}'],
)
def test_a_headline_of_another_form_is_refused_in_one_line(repository: Path, headline: str) -> None:
    Path(revision.HEADLINE).write_text(headline)

    with pytest.raises(ValueError, match="not readable"):
        revision.of_working_tree(repository)


def test_a_damaged_file_of_the_cache_counts_as_absent(store: Store) -> None:
    md5 = store.put(b"whole")
    side = store.revision(**{"x": md5})
    path = side.cached(md5)
    assert path is not None

    path.write_bytes(b"who")
    assert side.cached(md5) is None


@pytest.mark.parametrize(
    "lock", ["<<<<<<< HEAD\na: [\n", "[]", "", "stages:", "stages: [s]", "stages: {s: }"]
)
def test_a_damaged_dvc_lock_is_refused_in_one_line(repository: Path, lock: str) -> None:
    Path("dvc.lock").write_text(lock)

    with pytest.raises(
        ValueError, match=r"^dvc.lock or .* of working tree .* not readable \(.*\); run"
    ) as error:
        revision.of_working_tree(repository)
    assert "\n" not in str(error.value)
