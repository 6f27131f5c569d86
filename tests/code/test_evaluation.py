"""The metrics of all experiments, the table and the headline, on a made corpus of two protocols."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from neuralist import evaluation, params, results, tables
from neuralist.baselines import FROM_LYRICS
from neuralist.metrics import HEADLINE, NAMES
from neuralist.tokens import Vocabulary
from neuralist.vectors import WordVectors

WORDS = ["grey", "harbour", "red", "desert", "lamp", "river"]
VECTORS = WordVectors(Vocabulary(WORDS), np.eye(8, 6, dtype=np.float32), {})
SONGS = 30


def made_params(**evaluate: Any) -> params.Params:
    """The default params with two experiments of each protocol and few draws."""
    values = params.load().model_dump(by_alias=True)
    values["experiments"] = {
        "short": {"protocol": "paper", "max_words": 3},
        "long": {"protocol": "paper", "max_words": 6},
        "unseen": {"protocol": "songs", "max_words": 6},
    }
    values["evaluate"] |= {"draws": 40} | evaluate
    values["songmap"]["experiment"] = "unseen"
    return params.Params.model_validate(values)


def made_songs() -> pd.DataFrame:
    generator = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "song_id": [f"song{i:02}" for i in range(SONGS)],
            "artist": [f"artist {i % 5}" for i in range(SONGS)],
            "year": pd.array([1980 + i % 7 for i in range(SONGS)], dtype="Int64"),
            "tags": [["slow"] if i % 2 else ["slow", "sad"] for i in range(SONGS)],
            "lyrics": [" ".join(generator.choice(WORDS, 6)) for _ in range(SONGS)],
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


class Reader:
    """Stands where the trained encoder does: a text's embedding is its number of distinct words."""

    similarity_kind = "manhattan"

    def encode(self, texts: list[str]) -> np.ndarray:
        """Embeddings (n, 1)."""
        self.read = texts
        return np.array([[len(set(text.split()))] for text in texts], dtype=np.float32)


def evaluated(**changes: Any) -> dict[str, Any]:
    """Metrics of the made corpus; the models know the truth but for some noise."""
    listings = {
        "paper": made_listing({"train": 80, "val": 20, "test": 40}, seed=2),
        "songs": made_listing({"train": 80, "val": 20, "test": 30, "unused": 9}, seed=3),
    } | changes
    settings = made_params()
    generator = np.random.default_rng(4)
    parts = []
    for name in settings.experiments:
        listing = listings[settings.experiment(name).protocol]
        part = listing[listing["split"].isin(["val", "test"])].copy()
        part["predicted"] = np.clip(part["similarity"] + generator.normal(0, 0.05, len(part)), 0, 1)
        parts.append(part.assign(experiment=name))
    experiments = {name: settings.experiment(name) for name in settings.experiments}
    return evaluation.evaluate(
        made_songs(), listings, pd.concat(parts), experiments, VECTORS, settings=settings.evaluate
    )


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return evaluated()


# --- predictions -----------------------------------------------------------------------------------


def test_predictions_are_of_val_and_test_in_the_order_of_the_rows() -> None:
    listing = made_listing({"test": 3, "train": 5, "val": 2, "unused": 4}, seed=5)
    songs = made_songs()
    made = evaluation.predict("short", Reader(), songs, listing)  # pyright: ignore[reportArgumentType]
    assert list(made.columns) == tables.PREDICTIONS.names
    expected = listing[listing["split"].isin(["val", "test"])]
    assert made["left_id"].tolist() == expected["left_id"].tolist()
    assert made["split"].tolist() == ["test"] * 3 + ["val"] * 2
    distinct = dict(
        zip(songs["song_id"], songs["lyrics"].map(lambda text: len(set(text.split()))), strict=True)
    )
    gaps = [
        abs(distinct[left] - distinct[right])
        for left, right in zip(made["left_id"], made["right_id"], strict=True)
    ]
    assert made["predicted"].to_numpy() == pytest.approx(np.exp(-np.array(gaps, dtype=float)))


def test_each_song_is_encoded_once_and_only_if_needed() -> None:
    reader, songs = Reader(), made_songs()
    listing = made_listing({"test": 60, "train": 5}, seed=6)
    evaluation.predict("short", reader, songs, listing)  # pyright: ignore[reportArgumentType]
    asked = listing[listing["split"] == "test"]
    needed = sorted({*asked["left_id"], *asked["right_id"]})
    assert reader.read == songs.set_index("song_id").loc[needed, "lyrics"].tolist()


def test_nothing_asked_gives_an_empty_table() -> None:
    listing = made_listing({"train": 5}, seed=6)
    assert evaluation.predict("short", Reader(), made_songs(), listing).empty  # pyright: ignore[reportArgumentType]


def test_a_row_of_an_unknown_song_is_refused() -> None:
    listing = made_listing({"test": 2}, seed=6)
    listing.loc[1, "right_id"] = "song99"
    with pytest.raises(ValueError, match="right_id 'song99' is not in the songs table"):
        evaluation.positions(made_songs(), listing)


# --- metrics.json ----------------------------------------------------------------------------------


def test_the_numbers_have_their_places(found: dict[str, Any]) -> None:
    assert list(found) == ["short", "long", "unseen"]
    for name, protocol, max_words in (("short", "paper", 3), ("long", "paper", 6), ("unseen", "songs", 6)):
        entry = found[name]
        assert (entry["protocol"], entry["max_words"]) == (protocol, max_words)
        assert list(entry["splits"]) == ["val", "test"]
        test = entry["splits"]["test"]
        expected = NAMES if protocol == "paper" else NAMES[:-1]
        assert list(test["metrics"]) == list(expected)
        assert list(test["baselines"]) == list(FROM_LYRICS)
        for baseline in test["baselines"].values():
            assert list(baseline) == list(expected)
            assert all({"value", "low", "high"} <= set(metric["difference"]) for metric in baseline.values())
        for metric in test["metrics"].values():
            assert metric["low"] <= metric["value"] <= metric["high"]


def test_nearest_tenth_accuracy_is_the_predecessors_and_stays_in_its_protocol(found: dict[str, Any]) -> None:
    assert "nearest_tenth_accuracy" in found["short"]["splits"]["test"]["metrics"]
    assert "nearest_tenth_accuracy" not in found["unseen"]["splits"]["test"]["metrics"]


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
    test = evaluated(paper=listing)["short"]["splits"]["test"]
    assert (test["n_pairs"], test["n_songs"]) == (4, 5)
    assert test["seen_in_train"] == {"pairs": 0.25, "songs": 0.6}


def test_a_difference_is_model_minus_baseline(found: dict[str, Any]) -> None:
    test = found["unseen"]["splits"]["test"]
    for name, model in test["metrics"].items():
        for baseline in test["baselines"].values():
            if baseline[name]["value"] is not None:
                difference = model["value"] - baseline[name]["value"]
                assert baseline[name]["difference"]["value"] == pytest.approx(difference, abs=1e-5)


def test_all_experiments_of_a_protocol_meet_the_same_baselines_that_read_no_lyrics(
    found: dict[str, Any],
) -> None:
    short, long = (found[name]["splits"]["test"]["baselines"] for name in ("short", "long"))
    for name, reads_lyrics in FROM_LYRICS.items():
        same = [short[name][metric]["value"] == long[name][metric]["value"] for metric in HEADLINE]
        assert all(same) != reads_lyrics, name


def test_thresholds_are_chosen_on_val_for_the_model_and_each_baseline(found: dict[str, Any]) -> None:
    entry = found["short"]
    assert list(entry["thresholds"]) == ["model", *FROM_LYRICS]
    assert set(entry["thresholds"]["model"]) == {"f1", "balanced_accuracy"}
    assert entry["thresholds_chosen_on"] == "val"


def test_test_rows_do_not_move_a_threshold(found: dict[str, Any]) -> None:
    listing = made_listing({"train": 80, "val": 20, "test": 40}, seed=2)
    listing.loc[listing["split"] == "test", "similarity"] = np.linspace(0, 1, 40) ** 3
    moved = evaluated(paper=listing)["short"]
    assert moved["splits"]["test"]["metrics"] != found["short"]["splits"]["test"]["metrics"]
    assert moved["thresholds"] == found["short"]["thresholds"]


def test_a_correlation_with_a_constant_is_null_with_a_reason(found: dict[str, Any]) -> None:
    constant = found["short"]["splits"]["test"]["baselines"]["constant"]["spearman"]
    assert constant["value"] is None
    assert "equal" in constant["reason"]
    assert constant["difference"]["value"] is None


def test_figures_that_leak_say_so(found: dict[str, Any]) -> None:
    assert "leak" in found["short"]["note"]
    assert "leak" not in found["unseen"]["note"]


def test_an_empty_split_has_no_pairs_and_null_metrics() -> None:
    listing = made_listing({"train": 20, "test": 9}, seed=8)
    entry = evaluated(songs=listing)["unseen"]
    val = entry["splits"]["val"]
    assert (val["n_pairs"], val["n_songs"], val["baselines"]) == (0, 0, {})
    assert val["metrics"]["mse"] == {"value": None, "low": None, "high": None, "reason": "no pairs"}
    assert entry["splits"]["test"]["metrics"]["mse"]["value"] is not None
    assert entry["thresholds_chosen_on"] == "0.5, because val lacks a class"


def test_a_corpus_with_neither_val_nor_test_is_measured_without_error() -> None:
    entry = evaluated(songs=made_listing({"train": 20}, seed=8))
    assert entry["unseen"]["splits"]["test"]["n_pairs"] == 0
    assert results.headline(entry)["unseen"] == dict.fromkeys(HEADLINE)
    assert "The test part is empty." in results.markdown(entry, made_params().evaluate)
    assert "The test part is empty." in results.printed(entry)


def test_one_test_pair_gives_values_without_correlation() -> None:
    entry = evaluated(songs=made_listing({"train": 20, "val": 5, "test": 1}, seed=8))
    test = entry["unseen"]["splits"]["test"]
    assert test["metrics"]["mse"]["value"] is not None
    assert test["metrics"]["roc_auc"]["value"] is None


def test_the_same_input_gives_the_same_bytes(found: dict[str, Any]) -> None:
    assert json.dumps(evaluated(), allow_nan=False) == json.dumps(found, allow_nan=False)


# --- headline and table ----------------------------------------------------------------------------


def test_the_headline_holds_six_plain_numbers_of_test(found: dict[str, Any]) -> None:
    headline = results.headline(found)
    for name, numbers in headline.items():
        assert list(numbers) == list(HEADLINE)
        assert all(
            numbers[metric] == found[name]["splits"]["test"]["metrics"][metric]["value"] for metric in numbers
        )


def test_the_table_names_the_leak_the_corpus_and_each_predictor(found: dict[str, Any]) -> None:
    text = results.markdown(found, made_params().evaluate, corpus_note="This corpus is synthetic.")
    assert "**This corpus is synthetic.**" in text
    assert "95 % interval from 40 resamples" in text
    assert "these figures leak" in text
    assert "Test: 40 pairs" in text
    for label in ("short (3 words)", "TF-IDF (3 words)", "TF-IDF (6 words)", "constant", "tags*"):
        assert label in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines[: len(lines) // 2]}) == 1


def entry(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": value, "low": low, "high": high}


def made_found(differences: dict[str, tuple[float, float, float]]) -> dict[str, Any]:
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
    return {"words15": {"protocol": "paper", "max_words": 15, "note": "leaks", "splits": {"test": split}}}


def test_a_lead_whose_interval_includes_0_is_marked_and_said() -> None:
    text = results.markdown(made_found({"average_precision": (0.02, -0.01, 0.05)}), made_params().evaluate)
    assert text.count("(a)") == 1
    assert "- words15 is no better than TF-IDF by average precision (0.020 [-0.010, 0.050])." in text
    assert "31.0% of these pairs, in either direction, and 97.7% of these songs" in text


def test_a_clear_lead_is_not_marked() -> None:
    text = results.markdown(made_found({}), made_params().evaluate)
    assert "(a" not in text
    assert "no better" not in text


def test_a_baseline_that_is_better_is_marked_so_and_a_lower_mse_is_the_better_one() -> None:
    text = results.markdown(made_found({"mse": (0.01, 0.005, 0.02)}), made_params().evaluate)
    assert text.count("(a!)") == 1
    assert "MSE (0.0100 [0.0050, 0.0200])" in text


def test_the_printed_table_is_aligned(found: dict[str, Any]) -> None:
    text = results.printed(found)
    block = text.split("\n\n")[1].splitlines()[3:]
    assert len({len(line) for line in block}) == 1
