"""The metrics of all experiments, the table and the headline, on a made corpus of two protocols."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as drawn
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from tests import fake_encoder, fused, made_records, trained

from neuralist.config import params, records
from neuralist.config.metric_table import METRICS
from neuralist.config.records import BaselineEstimate, Coverage, Estimate, ExperimentMetrics
from neuralist.data import tables
from neuralist.data.pair_sets import Listings
from neuralist.evaluation import comparison, evaluation, ranking, results
from neuralist.evaluation.baselines import BASELINES as ALL_BASELINES
from neuralist.ingest.pairs import unlisted
from neuralist.metrics import NAMES
from neuralist.model.encoder import Encoder, Reading
from neuralist.model.similarity import Similarity
from neuralist.text.vocabulary import Vocabulary
from neuralist.text.word_vectors import WordVectors

Metrics = dict[str, ExperimentMetrics]
WORDS = ["grey", "harbour", "red", "desert", "lamp", "river"]
COVERAGE = Coverage(source="by hand", words=6, dimensions=6)
VECTORS = WordVectors(Vocabulary(WORDS), np.eye(8, 6, dtype=np.float32), COVERAGE)
SONGS = 30
FOLDS = {"test": range(8), "val": range(8, 16), "train": range(16, 30)}
# Of song numbers, by protocol songs: these baselines have something to say of the made corpus.
NOT_HERE = ("encoder_alone", "sentence_encoder", "has_list", "n_tracks")
BASELINES = [name for name in ALL_BASELINES if name not in NOT_HERE]
SIX = ["decile_accuracy", "within_one_decile", "spearman", "mse", "average_precision", "roc_auc"]
OF_PAPER = [name for name in BASELINES if name != "degree"]


def made_params(**evaluate: Any) -> params.Params:
    """The default params with two experiments of paper and of songs, and few draws."""
    values = params.load().model_dump(by_alias=True)
    values["experiments"] = {
        "short": {"protocol": "paper", "max_tokens": 3},
        "long": {"protocol": "paper", "max_tokens": 6},
        "unseen": {"protocol": "songs", "max_tokens": 6, "target": "listed_only"},
        "all_pairs": {"protocol": "songs", "max_tokens": 6, "target": "observable"},
    }
    values["run"] = list(values["experiments"])
    values["evaluate"] |= {"draws": 40} | evaluate
    values["songmap"]["experiment"] = values["study"]["experiment"] = "unseen"
    return params.Params.model_validate(values)


def made_songs(has_list: bool = False) -> pd.DataFrame:
    """Thirty songs; two of three have a list, or none. The artist of 1 and 2, in test, has no others."""
    generator = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "song_id": [f"song{i:02}" for i in range(SONGS)],
            "artist": ["New" if i in (1, 2) else f"artist {i % 5}" for i in range(SONGS)],
            "year": pd.array([1980 + i % 7 for i in range(SONGS)], dtype="Int64"),
            "tags": [["slow"] if i % 2 else ["slow", "sad"] for i in range(SONGS)],
            "lastfm_tags": [["sad"] if i % 2 else ["slow", "sad"] for i in range(SONGS)],
            "lastfm_weights": [[100.0] if i % 2 else [100.0, 50.0] for i in range(SONGS)],
            "lyrics": [" ".join(generator.choice(WORDS, 6)) for _ in range(SONGS)],
            "track_ids": [[f"TR{i}"] for i in range(SONGS)],
            "has_list": [has_list and i % 3 > 0 for i in range(SONGS)],
            "fold": [0 if i in FOLDS["test"] else 1 if i in FOLDS["val"] else 2 for i in range(SONGS)],
        }
    )


def made_listing(splits: dict[str, int], seed: int) -> pd.DataFrame:
    """Rows of random songs and similarities, so many for each split."""
    generator = np.random.default_rng(seed)
    split = [name for name, count in splits.items() for _ in range(count)]
    left = generator.integers(SONGS - 1, size=len(split))
    right = left + 1 + generator.integers(SONGS - 1 - left)
    return pd.DataFrame(
        {
            "left_id": [f"song{i:02}" for i in left],
            "right_id": [f"song{i:02}" for i in right],
            "similarity": generator.beta(1, 2, len(split)),
            "split": split,
        }
    )


def made_pairs(splits: dict[str, int], seed: int) -> pd.DataFrame:
    """As many different pairs of each part's songs; `unused` ones join test to train."""
    generator = np.random.default_rng(seed)
    rows = []
    for split, count in splits.items():
        if split == "unused":
            every = [(left, right) for left in FOLDS["test"] for right in FOLDS["train"]]
        else:
            every = list(itertools.combinations(FOLDS[split], 2))
        for place in generator.permutation(len(every))[:count]:
            left, right = (f"song{song:02}" for song in every[place])
            rows.append((left, right, generator.beta(1, 2), split))
    return pd.DataFrame(rows, columns=["left_id", "right_id", "similarity", "split"])


class Reader:
    """Stands where the trained encoder does: a text's embedding is its number of distinct words."""

    similarity, clean, fusion = Similarity("manhattan"), str, None
    pair_similarity = Encoder.pair_similarity

    def read(self, texts: list[str], *, cleaned: bool) -> Reading:
        """Embeddings (n, 1)."""
        self.texts = texts
        counts = np.array([len(set(text.split())) for text in texts])
        return Reading(counts[:, None].astype(np.float32), counts, np.ones(len(texts)))


def evaluated(
    *,
    has_list: bool = False,
    paper: pd.DataFrame | None = None,
    songs: pd.DataFrame | None = None,
    given: bool = False,
    changed: Callable[[pd.DataFrame], pd.DataFrame] = pd.DataFrame,
) -> Metrics:
    """Metrics of the made corpus; the models know the truth but for some noise, `changed` at the end."""
    table, settings = made_songs(has_list), made_params()
    if given:
        settings = settings.model_copy(update={"experiments": {"theirs": {"protocol": "given"}}})
    rows = made_listing({"train": 80, "val": 20, "test": 40}, seed=2) if paper is None else paper
    pairs = made_pairs({"train": 60, "val": 12, "test": 14, "unused": 9}, 3) if songs is None else songs
    choices = settings.pairs.model_copy(update={"unlisted_ratio": 0.2})
    listings = Listings(rows, pairs, unlisted(pairs, table, choices))
    generator = np.random.default_rng(4)
    parts = []
    for name in settings.experiments:
        part = listings.scored(table, settings.experiment(name).protocol)
        noisy = np.clip(part["similarity"] + generator.normal(0, 0.05, len(part)), 0, 1)
        # A repeated row has the same texts, and so the same prediction.
        predicted = noisy.groupby([part[column] for column in evaluation.PAIR]).transform("first")
        parts.append(part.assign(experiment=name, predicted=predicted))
    experiments = {name: settings.experiment(name) for name in settings.experiments}
    predictions = changed(pd.concat(parts, ignore_index=True))
    return evaluation.evaluate(table, listings, predictions, experiments, VECTORS, settings=settings.evaluate)


@pytest.fixture(scope="module")
def experiment_metrics() -> Metrics:
    return evaluated()


@pytest.fixture(scope="module")
def ranked() -> Metrics:
    """As experiment_metrics, but two of three songs have a list."""
    return evaluated(has_list=True)


@pytest.fixture(scope="module")
def given_split() -> Metrics:
    """As ranked, but the split is the corpus' own."""
    return evaluated(has_list=True, given=True)


# --- predictions -----------------------------------------------------------------------------------


def test_predictions_are_of_the_pairs_asked_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "PAIRS_AT_ONCE", 2)
    scored = made_listing({"test": 3, "val": 2}, seed=5).assign(listed=True)
    songs = made_songs()
    predictions = evaluation.predict("short", Reader(), songs, scored)  # pyright: ignore[reportArgumentType]
    assert list(predictions.columns) == tables.PREDICTIONS.names
    assert predictions["left_id"].tolist() == scored["left_id"].tolist()
    assert predictions["split"].tolist() == ["test"] * 3 + ["val"] * 2
    distinct = dict(
        zip(songs["song_id"], songs["lyrics"].map(lambda text: len(set(text.split()))), strict=True)
    )
    gaps = [
        abs(distinct[left] - distinct[right])
        for left, right in zip(predictions["left_id"], predictions["right_id"], strict=True)
    ]
    assert predictions["predicted"].to_numpy() == pytest.approx(np.exp(-np.array(gaps, dtype=float)))


def test_where_tfidf_takes_part_the_encoders_own_answer_stands_beside_the_joined(tmp_path: Path) -> None:
    fake_encoder.write(tmp_path, {"grey": (0.0,), "red": (0.5,)}, unknown=(0.0,))
    records.save(made_records.trained(settings={"max_tokens": 6}), tmp_path / "experiment.json")
    songs = pd.DataFrame({"song_id": ["a", "b"], "lyrics": ["grey", "red"]})
    scored = pd.DataFrame(
        [("a", "b", 0.5, "test", True)], columns=[*evaluation.PAIR[:2], "similarity", "split", "listed"]
    )
    [row] = evaluation.predict("one", Encoder.load(fused.add(tmp_path)), songs, scored).to_dict("records")

    assert row["encoder_alone"] == pytest.approx(np.exp(-0.5))
    assert row["predicted"] == pytest.approx(fused.joined(np.exp(-0.5), 0))


def test_the_encoder_alone_is_a_row_of_its_own_experiment_alone() -> None:
    def beside(predictions: pd.DataFrame) -> pd.DataFrame:
        is_fused = predictions["experiment"].isin(["short", "long", "unseen"])
        return predictions.assign(encoder_alone=predictions["predicted"].where(is_fused))

    of_unseen, of_others = (
        evaluated(changed=beside)[name].splits["test"] for name in ("unseen", "all_pairs")
    )
    assert next(iter(of_unseen.baselines)) == "encoder_alone"
    assert of_unseen.baselines["encoder_alone"]["mse"].difference.value == 0
    assert "encoder_alone" not in of_others.baselines
    text = results.markdown(evaluated(changed=beside), made_params().evaluate, "", {})
    assert "| encoder alone (a) |" in text
    assert "| encoder alone (b) |" in text


def test_each_song_is_encoded_once_and_only_if_needed() -> None:
    reader, songs = Reader(), made_songs()
    scored = made_listing({"test": 60}, seed=6).assign(listed=True)
    evaluation.predict("short", reader, songs, scored)  # pyright: ignore[reportArgumentType]
    used_songs = sorted({*scored["left_id"], *scored["right_id"]})
    assert reader.texts == songs.set_index("song_id").loc[used_songs, "lyrics"].tolist()


def test_nothing_asked_gives_an_empty_table() -> None:
    nothing = made_listing({}, seed=6).assign(listed=True)
    assert evaluation.predict("short", Reader(), made_songs(), nothing).empty  # pyright: ignore[reportArgumentType]


def test_a_row_of_an_unknown_song_is_refused() -> None:
    listing = made_listing({"test": 2}, seed=6)
    listing.loc[1, "right_id"] = "song99"
    with pytest.raises(ValueError, match="right_id 'song99' is not in the songs table"):
        comparison.positions(made_songs(), listing)


# --- metrics  ----------------------------------------------------------------------------------


LISTED_ONLY = pytest.mark.parametrize(
    ("name", "protocol", "max_tokens"), [("short", "paper", 3), ("long", "paper", 6), ("unseen", "songs", 6)]
)


@LISTED_ONLY
def test_an_experiments_metrics_name_its_protocol_and_what_it_reads(
    experiment_metrics: Metrics, name: str, protocol: str, max_tokens: int
) -> None:
    entry = experiment_metrics[name]
    assert (entry.protocol, entry.target) == (protocol, "listed_only")
    assert (entry.tokens, entry.max_tokens, entry.long_text) == ("word", max_tokens, "head")
    assert list(entry.splits) == ["val", "test"]


@LISTED_ONLY
def test_model_and_baselines_have_the_metrics_of_the_protocol(
    experiment_metrics: Metrics, name: str, protocol: str, max_tokens: int
) -> None:
    test = experiment_metrics[name].splits["test"]
    expected = [metric for metric in NAMES if protocol == "paper" or metric != "nearest_tenth_accuracy"]
    assert list(test.metrics) == expected
    assert list(test.baselines) == (OF_PAPER if protocol == "paper" else BASELINES)
    for baseline in test.baselines.values():
        assert list(baseline) == expected
        assert all(isinstance(metric, BaselineEstimate) for metric in baseline.values())


@pytest.mark.parametrize("name", ["short", "long", "unseen"])
def test_a_metric_lies_in_its_interval(experiment_metrics: Metrics, name: str) -> None:
    for metric in experiment_metrics[name].splits["test"].metrics.values():
        assert metric.low <= metric.value <= metric.high


def test_every_experiment_has_metrics_in_the_order_of_params(experiment_metrics: Metrics) -> None:
    assert list(experiment_metrics) == ["short", "long", "unseen", "all_pairs"]


def test_nearest_tenth_accuracy_is_the_predecessors_and_stays_in_its_protocol(
    experiment_metrics: Metrics,
) -> None:
    assert "nearest_tenth_accuracy" in experiment_metrics["short"].splits["test"].metrics
    assert "nearest_tenth_accuracy" not in experiment_metrics["unseen"].splits["test"].metrics


def test_the_short_table_shows_unseen_songs_beside_three_baselines(ranked: Metrics) -> None:
    lines = results.unseen_tables(ranked, 0.95, "A note.")

    assert lines[:2] == ["A note.", ""]
    assert lines[2].startswith("Songs never seen in training (test: ")
    assert lines[3] == "listed AUC, and its 95 % interval:"
    assert lines[4].split("  ")[-1] == "constant"
    assert [line.split()[0] for line in lines[5:]] == ["unseen", "all_pairs"], "no experiment that leaks"
    test = ranked["unseen"].splits["test"]
    ridges = [test.baselines[name]["listed_auc"] for name in results.RIDGES]
    best = max(ridges, key=lambda ridge: ridge.value)
    shown = [
        test.metrics["listed_auc"],
        best,
        *(test.baselines[name]["listed_auc"] for name in ("tfidf", "constant")),
    ]
    assert [cell.strip() for cell in re.split("  +", lines[5])[1:]] == [
        results.interval(estimate, "listed_auc") for estimate in shown
    ]
    assert max(map(len, lines)) <= 100


def test_a_metric_is_measured_under_the_protocols_that_the_table_names_and_no_other(
    ranked: Metrics, given_split: Metrics
) -> None:
    entries = [*ranked.values(), *given_split.values()]
    assert {entry.protocol for entry in entries} == {"paper", "songs", "given"}
    for entry in entries:
        expected = [metric.name for metric in METRICS if entry.protocol in metric.protocols]
        assert [list(split.metrics) for split in entry.splits.values()] == [expected] * 2
        assert None not in [figure.value for figure in entry.splits["test"].metrics.values()]


def test_pairs_and_songs_are_counted_and_what_train_shares_with_test() -> None:
    listing = pd.DataFrame(
        [
            ("song00", "song01", 0.2, "train"),
            ("song02", "song03", 0.9, "train"),
            ("song04", "song05", 0.4, "val"),
            ("song01", "song00", 0.3, "test"),  # a training pair the other way round
            ("song00", "song02", 0.7, "test"),
            ("song07", "song08", 0.1, "test"),
            ("song08", "song07", 0.6, "test"),
        ],
        columns=["left_id", "right_id", "similarity", "split"],
    )
    test = evaluated(paper=listing)["short"].splits["test"]
    assert (test.n_pairs, test.n_songs) == (4, 5)
    assert test.seen_in_train.model_dump() == {"pairs": 0.25, "songs": 0.6, "texts": 0.6}


def test_a_difference_is_model_minus_baseline(experiment_metrics: Metrics) -> None:
    test = experiment_metrics["unseen"].splits["test"]
    for name, model in test.metrics.items():
        for baseline in test.baselines.values():
            if baseline[name].value is not None:
                difference = model.value - baseline[name].value
                assert baseline[name].difference.value == pytest.approx(difference, abs=1e-5)


def test_all_experiments_of_a_protocol_meet_the_same_baselines_that_read_no_lyrics(
    experiment_metrics: Metrics,
) -> None:
    short, long = (experiment_metrics[name].splits["test"].baselines for name in ("short", "long"))
    for name in OF_PAPER:
        same = [short[name][metric].value == long[name][metric].value for metric in SIX]
        assert all(same) != ALL_BASELINES[name].from_lyrics, name


def test_thresholds_are_chosen_on_val_for_the_model_and_each_baseline(
    experiment_metrics: Metrics,
) -> None:
    entry = experiment_metrics["short"]
    assert list(entry.thresholds) == ["model", *OF_PAPER]
    assert 0 <= entry.thresholds["model"].f1 <= 1
    assert entry.thresholds_chosen_on == "val"


def test_test_rows_do_not_move_a_threshold(experiment_metrics: Metrics) -> None:
    listing = made_listing({"train": 80, "val": 20, "test": 40}, seed=2)
    listing.loc[listing["split"] == "test", "similarity"] = np.linspace(0, 1, 40) ** 3
    moved = evaluated(paper=listing)["short"]
    assert moved.splits["test"].metrics != experiment_metrics["short"].splits["test"].metrics
    assert moved.thresholds == experiment_metrics["short"].thresholds


def test_a_correlation_with_a_constant_is_null_with_a_reason(experiment_metrics: Metrics) -> None:
    constant = experiment_metrics["short"].splits["test"].baselines["constant"]["spearman"]
    assert constant.value is None
    assert "equal" in constant.reason
    assert constant.difference.value is None


def test_figures_that_leak_say_so(experiment_metrics: Metrics) -> None:
    assert "leak" in experiment_metrics["short"].note
    assert experiment_metrics["unseen"].note == (
        "No song, and no cover of it, is in two of train, val and test."
    )


# --- listed against unlisted -----------------------------------------------------------------------


def observable_pairs(part: str, listed: pd.DataFrame) -> int:
    """All pairs of a part's songs that are listed or have a song with a list, by hand."""
    in_pairs = {*listed["left_id"], *listed["right_id"]}
    songs = [song for song in FOLDS[part] if song % 3 > 0 or f"song{song:02}" in in_pairs]
    listed_pairs = {(row.left_id, row.right_id) for row in listed.itertuples()}
    return sum(
        left % 3 > 0 or right % 3 > 0 or (f"song{left:02}", f"song{right:02}") in listed_pairs
        for left, right in itertools.combinations(songs, 2)
    )


def test_a_target_is_observable_only_under_protocol_songs_where_songs_have_lists(
    experiment_metrics: Metrics, ranked: Metrics
) -> None:
    assert [entry.target for entry in experiment_metrics.values()] == ["listed_only"] * 4
    assert [entry.target for entry in ranked.values()] == ["listed_only"] * 3 + ["observable"]


def test_an_observable_target_is_measured_on_all_observable_pairs(
    ranked: Metrics,
) -> None:
    listed = made_pairs({"train": 60, "val": 12, "test": 14, "unused": 9}, 3)
    for split, n_listed in (("val", 12), ("test", 14)):
        every = observable_pairs(split, listed)
        assert every > n_listed
        narrow, wide = (ranked[name].splits[split] for name in ("unseen", "all_pairs"))
        assert (narrow.n_pairs, wide.n_pairs) == (n_listed, every)
        assert narrow.ranking == wide.ranking
        assert (wide.ranking.n_pairs, wide.ranking.n_listed) == (every, n_listed)
        with_list = sum(song % 3 > 0 for song in FOLDS[split])
        assert wide.ranking.n_queries + wide.ranking.n_left_out == with_list


def test_ranking_metrics_stand_first_with_intervals_and_paired_differences(
    ranked: Metrics,
) -> None:
    for name in ("unseen", "all_pairs"):
        test = ranked[name].splits["test"]
        assert list(test.metrics)[: len(ranking.NAMES)] == [*ranking.NAMES]
        for metric in ranking.NAMES:
            assert test.metrics[metric].low <= test.metrics[metric].value
            for baseline in test.baselines.values():
                difference = test.metrics[metric].value - baseline[metric].value
                assert baseline[metric].difference.value == pytest.approx(difference, abs=1e-5)
        assert test.baselines["constant"]["listed_auc"].value == 0.5


def test_the_order_of_pairs_does_not_hang_on_the_target_but_their_similarities_do(
    ranked: Metrics,
) -> None:
    narrow, wide = (ranked[name].splits["test"].baselines["year_gap"] for name in ("unseen", "all_pairs"))
    assert narrow["listed_auc"].value == wide["listed_auc"].value
    assert narrow["mse"].value != wide["mse"].value


def test_baselines_learn_from_drawn_unlisted_pairs_as_many_as_they_stand_for(
    ranked: Metrics,
) -> None:
    """The constant is the mean over all observable pairs of train, of which one in some is drawn."""
    listed = made_pairs({"train": 60, "val": 12, "test": 14, "unused": 9}, 3)
    total = listed.groupby("split")["similarity"].sum()
    mean = total["train"] / observable_pairs("train", listed)
    test = listed.loc[listed["split"] == "test", "similarity"]
    n_unlisted = observable_pairs("test", listed) - len(test)
    mse = (((test - mean) ** 2).sum() + n_unlisted * mean**2) / (len(test) + n_unlisted)
    constant = ranked["all_pairs"].splits["test"].baselines["constant"]
    assert constant["mse"].value == pytest.approx(mse, rel=1e-5)


def test_new_artists_are_those_that_no_training_song_has(ranked: Metrics) -> None:
    """Songs 1 and 2 have a list; the nearer a song's year is to theirs, the higher year_gap puts it."""
    listed = made_pairs({"train": 60, "val": 12, "test": 14, "unused": 9}, 3)
    listed_pairs = {*zip(listed["left_id"], listed["right_id"], strict=True)}
    in_pairs = {song for pair in listed_pairs for song in pair}
    candidates = [song for song in FOLDS["test"] if song % 3 > 0 or f"song{song:02}" in in_pairs]
    expected = []
    for query in (1, 2):
        others = [song for song in candidates if song != query]
        pairs = [(f"song{min(query, song):02}", f"song{max(query, song):02}") for song in others]
        nearness = [-abs(query % 7 - song % 7) for song in others]
        expected.append(roc_auc_score([pair in listed_pairs for pair in pairs], nearness))
    value = ranked["all_pairs"].splits["test"].baselines["year_gap"]["listed_auc_new_artist"].value
    assert value == pytest.approx(np.mean(expected), rel=1e-5)


def test_without_lists_and_under_other_protocols_nothing_is_ranked(
    experiment_metrics: Metrics, ranked: Metrics
) -> None:
    for entry in (experiment_metrics["unseen"], experiment_metrics["all_pairs"], ranked["short"]):
        for split in entry.splits.values():
            assert split.ranking is None
            assert not {*split.metrics} & {*ranking.NAMES}


def test_an_undefined_ranking_metric_is_null_with_a_reason() -> None:
    """All test songs with a list are left out: none is in a listed pair."""
    pairs = made_pairs({"train": 60, "val": 12}, 3)
    pairs.loc[len(pairs)] = ["song00", "song03", 0.5, "test"]
    test = evaluated(has_list=True, songs=pairs)["all_pairs"].splits["test"]
    assert test.ranking.n_queries == 0
    assert test.metrics["listed_auc"].value is None
    assert "no song with a list" in test.metrics["listed_auc"].reason
    assert "artist" in test.metrics["listed_auc_new_artist"].reason
    assert test.metrics["pooled_listed_auc"].value is not None


def test_pictures_show_the_pairs_that_an_experiments_target_is_about() -> None:
    rows = [("narrow", True), ("narrow", False), ("wide", True), ("wide", False)]
    predictions = pd.DataFrame(rows, columns=["experiment", "listed"])
    settings = made_params()
    experiments = {"narrow": settings.experiment("unseen"), "wide": settings.experiment("all_pairs")}
    shown = evaluation.targeted(predictions, made_songs(has_list=True), experiments)
    assert shown.values.tolist() == [["narrow", True], ["wide", True], ["wide", False]]
    assert evaluation.targeted(predictions, made_songs(), experiments)["listed"].all()


@hypothesis_settings(max_examples=5)
@drawn(st.integers(0, 2**32 - 1))
def test_the_order_of_the_predictions_changes_no_metric(ranked: dict[str, Any], seed: int) -> None:
    assert evaluated(has_list=True, changed=lambda table: table.sample(frac=1, random_state=seed)) == ranked


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda table: table.drop(index=0), "song.* has no prediction .1 such"),
        (
            lambda table: pd.concat([table, table.head(1).assign(left_id="song98")]),
            "song98, .* is not scored",
        ),
        (lambda table: pd.concat([table, table.head(1).assign(predicted=2.0)]), "song.* has two predictions"),
    ],
)
def test_predictions_of_other_pairs_than_the_scored_ones_are_refused(
    changed: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    # The first row is of experiment short, protocol paper.
    with pytest.raises(ValueError, match=f"predictions of short: pair {message}"):
        evaluated(changed=changed)


# --- honesty ---------------------------------------------------------------------------------------


def alike_by_year(n_songs: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Songs that list all songs of their fold within four years; what else is known of them is noise."""
    generator = np.random.default_rng(3)
    years, tags = generator.integers(1950, 2020, n_songs), [f"tag {number}" for number in range(12)]
    songs = pd.DataFrame(
        {
            "song_id": [f"song{i:03}" for i in range(n_songs)],
            "artist": [f"artist {i}" for i in generator.integers(n_songs, size=n_songs)],
            "year": pd.array(years, dtype="Int64"),
            "tags": [list(generator.choice(tags, 3, replace=False)) for _ in range(n_songs)],
            "lyrics": [" ".join(generator.choice(WORDS, 6)) for _ in range(n_songs)],
            "track_ids": [[f"TR{i}"] for i in range(n_songs)],
            "lastfm_tags": [list(generator.choice(tags, 2, replace=False)) for _ in range(n_songs)],
            "lastfm_weights": [[100.0, 50.0]] * n_songs,
            "has_list": True,
            "fold": np.arange(n_songs) % 5,
        }
    )
    rows = []
    for left, right in itertools.combinations(range(n_songs), 2):
        folds, gap = {left % 5, right % 5}, abs(int(years[left] - years[right]))
        split = (
            "train" if folds <= {2, 3, 4} else {0: "test", 1: "val"}[left % 5] if len(folds) == 1 else None
        )
        if split and gap < 5:
            rows.append((f"song{left:03}", f"song{right:03}", 1 - gap / 5, split))
    return songs, pd.DataFrame(rows, columns=["left_id", "right_id", "similarity", "split"])


class Shuffled(Listings):
    """Listings whose training pairs have each other's similarities."""

    def of(self, settings: params.Experiment) -> pd.DataFrame:
        """As in Listings."""
        predictions = super().of(settings)
        train = (predictions["split"] == "train").to_numpy()
        mixed = predictions["similarity"].to_numpy().copy()
        mixed[train] = np.random.default_rng(5).permutation(mixed[train])
        return predictions.assign(similarity=mixed)


def skill(songs: pd.DataFrame, listings: Listings, protocol: str) -> dict[str, Any]:
    """The metrics of all baselines on test."""
    settings = made_params(draws=200)
    experiment = settings.experiment("all_pairs" if protocol == "songs" else "long")
    answers = listings.scored(songs, protocol).assign(experiment="one", predicted=0.5)
    metrics_of = evaluation.evaluate(
        songs, listings, answers, {"one": experiment}, VECTORS, settings=settings.evaluate
    )
    return metrics_of["one"].splits["test"].baselines


@pytest.mark.slow
def test_from_shuffled_labels_nothing_is_learned_about_songs_never_seen() -> None:
    """Year and tags say which pairs are listed; trees over them find that out, and not from noise.

    That near years are no less alike the trees know without labels, so they rank by it even then: what they
    learn shows in the squared error beside the constant's.
    """
    songs, pairs = alike_by_year(150)
    listings = Listings(pairs.head(0), pairs, unlisted(pairs, songs, made_params().pairs))

    def share_explained(learned_from: Listings) -> float:
        of_baselines = skill(songs, learned_from, "songs")
        trees, constant = (of_baselines[name]["mse"].value for name in ("artist_year_tags", "constant"))
        return 1 - trees / constant

    assert share_explained(listings) > 0.9
    assert abs(share_explained(Shuffled(*listings))) < 0.1


def test_from_shuffled_labels_nothing_is_learned_about_pairs_that_train_holds() -> None:
    """Each pair is listed in both directions; a look-up knows one from the other."""
    songs, pairs = alike_by_year(60)
    rows = pd.concat([pairs, pairs.rename(columns={"left_id": "right_id", "right_id": "left_id"})])
    split = np.random.default_rng(7).choice(["train", "val", "test"], len(rows), p=[0.7, 0.1, 0.2])
    listings = Listings(rows.assign(split=split), pairs.head(0), pairs.head(0))
    assert skill(songs, listings, "paper")["lookup"]["roc_auc"].low > 0.7
    mixed = skill(songs, Shuffled(*listings), "paper")["lookup"]["roc_auc"]
    assert mixed.low < 0.5 < mixed.high


# --- empty parts -----------------------------------------------------------------------------------


def test_an_empty_split_has_no_pairs_and_null_metrics() -> None:
    entry = evaluated(songs=made_pairs({"train": 20, "test": 9}, 8))["unseen"]
    val = entry.splits["val"]
    assert (val.n_pairs, val.n_songs, val.baselines) == (0, 0, {})
    assert val.metrics["mse"] == Estimate(value=None, low=None, high=None, reason="no pairs")
    assert entry.splits["test"].metrics["mse"].value is not None
    assert entry.thresholds_chosen_on == "0.5, because val lacks a class"


def test_a_corpus_with_neither_val_nor_test_is_measured_without_error() -> None:
    entry = evaluated(songs=made_pairs({"train": 20}, 8))
    assert entry["unseen"].splits["test"].n_pairs == 0
    assert results.headline_metrics(entry["unseen"]) == dict.fromkeys(SIX)
    assert "The test part is empty." in results.markdown(entry, made_params().evaluate)
    assert "The test part is empty." in results.headline_table(entry)


def test_what_is_said_of_a_small_test_stands_under_the_title_of_its_protocol_alone(ranked: Metrics) -> None:
    warnings = {"songs": ["test has 8 listed pairs."], "paper": []}
    text = results.markdown(ranked, made_params().evaluate, warnings=warnings)
    shown = results.headline_table(ranked, warnings=warnings)

    said = [part.splitlines()[0] for part in text.split("## Protocol")[1:] if "8 listed pairs.**" in part]
    assert said == [" songs, listed pairs", " songs, listed and unlisted pairs"]
    assert "\n\n**Warning: test has 8 listed pairs.**\n\n" in text
    assert shown.count("\n  Warning: test has 8 listed pairs.\n") == 2
    assert "Warning" not in results.markdown(ranked, made_params().evaluate)


def test_one_test_pair_gives_values_without_correlation() -> None:
    entry = evaluated(songs=made_pairs({"train": 20, "val": 5, "test": 1}, 8))
    test = entry["unseen"].splits["test"]
    assert test.metrics["mse"].value is not None
    assert test.metrics["roc_auc"].value is None


def test_the_same_input_gives_the_same_bytes(experiment_metrics: Metrics) -> None:
    again = evaluated()
    assert [entry.model_dump_json() for entry in again.values()] == [
        entry.model_dump_json() for entry in experiment_metrics.values()
    ]


# --- headline and table ----------------------------------------------------------------------------


def test_figures_of_an_experiment_are_plain_numbers_of_test_ranking_first(
    ranked: Metrics,
) -> None:
    for experiment in ranked.values():
        numbers = results.headline_metrics(experiment)
        first = ["listed_auc", "ndcg_at_10"] if experiment.protocol == "songs" else []
        assert list(numbers) == [*first, *SIX]
        assert all(numbers[metric] == experiment.splits["test"].metrics[metric].value for metric in numbers)


def test_there_are_tables_for_each_protocol_and_target_and_words_on_what_is_ranked(
    ranked: Metrics,
) -> None:
    text = results.markdown(ranked, made_params().evaluate)
    headings = [line for line in text.splitlines() if line.startswith("#")]
    on_similarity = ["### Similarity of pairs", "### More on similarity"]
    assert headings == [
        "# Results",
        "## Protocol paper",
        *on_similarity,
        "## Protocol songs, listed pairs",
        "### Listed against unlisted",
        *on_similarity,
        "## Protocol songs, listed and unlisted pairs",
        "### Listed against unlisted",
        *on_similarity,
    ]
    counts = ranked["all_pairs"].splits["test"].ranking
    assert f"Of {counts.n_pairs} observable pairs there 14 are listed." in text
    assert f"Queries: {counts.n_queries} songs with a list; {counts.n_left_out} more have one" in text
    share = 1 - 14 / counts.n_pairs
    assert text.count(f"{share:.1%} of the pairs are unlisted, with similarity 0") == 1
    assert "| | listed AUC | nDCG@10 | recall@10 | listed AUC, new artists | listed AUC, pooled |" in text
    assert " listed AUC " in results.headline_table(ranked)


@pytest.mark.parametrize(
    ("tokens", "long_text", "words"),
    [("word", "tail", "last 9 words"), ("word", "chunks", "all words"), ("char", "head", "9 characters")],
)
def test_a_label_says_what_of_a_text_is_read(tokens: str, long_text: str, words: str) -> None:
    predictions = made_found({}, tokens=tokens, long_text=long_text, max_tokens=9)
    text = results.markdown(predictions, made_params().evaluate)
    assert f"| a words15 ({words}) |" in text
    assert f"| TF-IDF ({words}) |" in text


def test_the_table_names_the_leak_the_corpus_and_each_predictor(experiment_metrics: Metrics) -> None:
    text = results.markdown(
        experiment_metrics, made_params().evaluate, corpus_note="This corpus is synthetic."
    )
    assert "**This corpus is synthetic.**" in text
    assert "95 % interval from 40 resamples" in text
    assert "these figures leak" in text
    assert "Test: 40 pairs" in text
    for label in ("short (3 words)", "TF-IDF (3 words)", "TF-IDF (6 words)", "constant", "tags*"):
        assert label in text
    for table in tables_of(text):
        assert len({line.count("|") for line in table}) == 1
        assert table[0].count("|") <= 8


def tables_of(markdown: str) -> list[list[str]]:
    """Lines of each table."""
    blocks = (block.splitlines() for block in markdown.split("\n\n"))
    return [block for block in blocks if block[0].startswith("|")]


def entry(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": value, "low": low, "high": high}


def made_found(differences: dict[str, tuple[float, float, float]], **own: Any) -> Metrics:
    """One experiment against TF-IDF, with the given paired differences and clear leads elsewhere."""
    lead = {name: (-0.1, -0.2, -0.05) if name == "mse" else (0.1, 0.05, 0.2) for name in NAMES} | differences
    baseline = {name: entry(0.4, 0.3, 0.5) | {"difference": entry(*lead[name])} for name in NAMES}
    split = {
        "n_pairs": 10,
        "n_songs": 9,
        "seen_in_train": {"pairs": 0.31, "songs": 0.977},
        "metrics": {name: entry(0.5, 0.4, 0.6) for name in NAMES},
        "baselines": {"tfidf": baseline},
    }
    predictions = trained.entry("paper") | {"note": "leaks", "splits": {"val": split, "test": split}} | own
    return trained.metrics(words15=predictions)


def test_a_lead_whose_interval_includes_0_is_marked_and_said() -> None:
    text = results.markdown(made_found({"average_precision": (0.02, -0.01, 0.05)}), made_params().evaluate)
    assert text.count("(a~)") == 1
    assert "- words15 is no better than TF-IDF by average precision (0.020 [-0.010, 0.050])." in text
    assert "31.0% of these pairs, in either direction, and 97.7% of these texts" in text


def test_a_clear_lead_is_not_marked() -> None:
    text = results.markdown(made_found({}), made_params().evaluate)
    assert "(a" not in text
    assert "no better" not in text


def test_a_baseline_that_is_better_is_marked_so_and_a_lower_mse_is_the_better_one() -> None:
    text = results.markdown(made_found({"mse": (0.01, 0.005, 0.02)}), made_params().evaluate)
    assert text.count("(a!)") == 1
    assert "MSE (0.0100 [0.0050, 0.0200])" in text


def test_the_printed_table_is_aligned(experiment_metrics: Metrics) -> None:
    text = results.headline_table(experiment_metrics)
    block = text.split("\n\n")[1].splitlines()[3:]
    assert len({len(line) for line in block}) == 1
