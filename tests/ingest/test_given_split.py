"""Any graded texts with a split of their own: from the raw folder to what training starts from."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from tests import raw
from tests.settings import experiment

from neuralist import workspace
from neuralist.config import corpus, params
from neuralist.config.records import SplitCoverage
from neuralist.data import splits
from neuralist.data.pair_sets import Listings
from neuralist.ingest import pairs, songs
from neuralist.ingest.sources import formats
from neuralist.text import word_vectors
from neuralist.text.vocabulary import PADDING, UNKNOWN
from neuralist.training import examples
from neuralist.validation.derived_tables import CheckedTables
from neuralist.validation.suites import validate

pytestmark = pytest.mark.slow  # each takes a corpus through several stages

ROOT = Path(__file__).resolve().parents[2]
LONG = " ".join(["tall", "lantern"] * 2_500)
TEXTS = [
    ["one", "lantern"],
    ["long", LONG],
    ["empty", ""],
    ["signs", "?! ..."],
    ["unknown", "zzyx qwv"],
    ["mixed", "A tall zzyx."],
    ["same", "a TALL zzyx"],
    ["other", "harbour"],
]
PAIRS = [
    ["one", "long", "5", "train"],
    ["long", "one", "4", "train"],  # a repeat with another grade
    ["mixed", "same", "5", "train"],
    ["same", "mixed", "5", "test"],  # the pair in two parts
    ["unknown", "mixed", "1", "test"],  # a text in two parts
    ["one", "unknown", "2", "val"],
    ["other", "long", "3", "val"],
    ["empty", "one", "1", "train"],
    ["one", "nowhere", "1", "train"],
]
SETTINGS = """\
note: Made up.
similarity_range: [1, 5]
vectors: {source: own/words.vec, length: 1.0}
expected: {songs: [5, 6], rows: [6, 7], pairs: [4, 5]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "sentences"
    raw.texts(made, TEXTS)
    raw.pairs(made, PAIRS, "left_id,right_id,similarity,split")
    (made / "own").mkdir()
    (made / "own" / "words.vec").write_text("3 2\ntall 3 4\nlantern 0 2\nremote 1 0\n")
    (made / "corpus.yaml").write_text(SETTINGS)
    return made


class Way(NamedTuple):
    """What the stages songs and pairs make of a folder."""

    params: params.Params
    made: songs.Tables
    rows: pd.DataFrame
    pairs: pd.DataFrame


def way(folder: Path) -> Way:
    chosen = workspace.settings(folder, ROOT)
    made = songs.build(formats.read(folder, chosen.similarity_range), chosen.songs)
    rows = pairs.rows(made.listed, made.songs, chosen.pairs)
    return Way(chosen, made, rows, pairs.pairs(rows, made.songs, chosen.pairs, gives_split=True))


def vectors_of(folder: Path) -> word_vectors.WordVectors:
    found = way(folder)
    texts = splits.lyrics_of(found.made.songs, found.pairs, by_fold=False)
    return word_vectors.fit(texts, [], found.params.vectors, folder)


def prepared(folder: Path, **own: Any) -> examples.TrainingData:
    found, settings = way(folder), experiment(protocol="given", heads={}, **own)
    unlisted = pairs.unlisted(found.pairs, found.made.songs, found.params.pairs, gives_split=True)
    listing = Listings(found.rows, found.pairs, unlisted).of(settings)
    return examples.prepare(settings, found.made.songs, listing, vectors_of(folder))


def test_texts_without_a_word_are_rejected_with_their_pairs(folder: Path) -> None:
    made = way(folder).made
    assert sorted(made.songs["song_id"]) == ["long", "mixed", "one", "other", "same", "unknown"]
    found = made.rejects[["where", "reason", "value"]].itertuples(index=False, name=None)
    assert sorted(found) == [
        ("pairs.csv:10", "unknown id", "nowhere"),
        ("pairs.csv:9", "its text is not used", "empty"),
        ("texts.csv:4", "lyrics without a word", "empty"),
        ("texts.csv:5", "lyrics without a word", "signs"),
    ]


def test_each_pair_is_used_once_with_its_mean_grade_and_test_goes_first(folder: Path) -> None:
    found = (
        way(folder).pairs[["left_id", "right_id", "similarity", "split"]].itertuples(index=False, name=None)
    )
    assert list(found) == [
        ("long", "one", 0.875, "train"),  # 5 and 4, so 1 and 0.75
        ("long", "other", 0.5, "val"),
        ("mixed", "same", 1.0, "test"),
        ("mixed", "unknown", 0.0, "test"),
        ("one", "unknown", 0.25, "val"),
    ]


def test_overlaps_are_warnings_with_their_counts_and_stop_nothing(folder: Path) -> None:
    found = way(folder)
    unlisted = pairs.unlisted(found.pairs, found.made.songs, found.params.pairs, gives_split=True)
    report = validate(
        CheckedTables(found.made.songs, found.rows, found.pairs, unlisted),
        found.params.expected,
        found.params.train.protocol,
        found.params.pairs,
    )
    assert report.success
    warnings = {found.promise: found for found in report.outcomes if found.verdict == "warning"}
    # Outcomes count entries (song, part): long, one and unknown are in two parts each; so are their groups.
    assert {promise: found.unexpected for promise, found in warnings.items()} == {
        "train, val and test share no song": 6,
        "train, val and test share no group of covers": 6,
        "train, val and test share no text": 6,
        "a pair is listed once": 2,
        "train, val and test share no pair": 1,
        "val and test have 30 listed pairs or more": 2,
    }
    assert warnings["a pair is listed once"].examples == [
        {"one_id": "long", "other_id": "one", "n_rows": "2", "n_parts": "1"},
        {"one_id": "mixed", "other_id": "same", "n_rows": "2", "n_parts": "2"},
    ]


def test_vectors_of_ones_own_are_found_in_the_raw_folder(folder: Path) -> None:
    made = vectors_of(folder)
    assert made.vocabulary.words == ("tall", "lantern", "remote")
    assert made.matrix[2].tolist() == pytest.approx([0.6, 0.8])
    # Train: lantern, 5,000 words of `long`; every text in no train pair is in another part.
    assert made.coverage.train == SplitCoverage(tokens=5_001, token_coverage=1.0, word_coverage=1.0)
    # Test: a tall zzyx, twice, and zzyx qwv: 2 of 8 tokens and 1 of 4 words have a vector.
    assert made.coverage.test == SplitCoverage(tokens=8, token_coverage=0.25, word_coverage=0.25)


def test_short_long_and_unknown_texts_become_examples_and_cut_ones_are_counted(folder: Path) -> None:
    parts = prepared(folder, max_tokens=300, long_text="head").splits
    train = parts["train"]
    assert train.songs.lengths.tolist() == [5_000, 1]
    assert np.count_nonzero(train.songs.ids != PADDING, axis=1).tolist() == [300, 1]
    assert [part.songs.n_truncated for part in parts.values()] == [1, 1]
    assert parts["val"].songs.ids[-1, :3].tolist() == [UNKNOWN, UNKNOWN, PADDING]  # unknown: zzyx qwv
    assert (train.similarity.tolist(), train.left.tolist(), train.right.tolist()) == ([0.875], [0], [1])


def test_long_texts_may_be_read_whole_in_chunks(folder: Path) -> None:
    parts = prepared(folder, max_tokens=300, long_text="chunks").splits
    assert np.diff(parts["train"].songs.starts).tolist() == [17, 1]  # 5,000 words in pieces of 294 and 295
    assert [part.songs.n_truncated for part in parts.values()] == [0, 0]


def test_characters_need_no_word_vectors(folder: Path) -> None:
    made = prepared(folder, tokens="char", max_tokens=300, long_text="head")
    assert made.vectors.vocabulary.words == tuple(sorted(set("tall lantern")))
    assert made.splits["val"].songs.lengths.tolist() == [len(LONG), 7, 7, 8]  # long, one, other, unknown


def test_a_checkout_with_such_data_of_its_own_is_told_what_to_change(folder: Path) -> None:
    with pytest.raises(ValueError, match="make repro RAW"):
        corpus.check(corpus.read(folder), folder, ROOT / "params.yaml", gives_split=True)
    assert params.load(ROOT / "params.yaml").train.protocol == "songs"
