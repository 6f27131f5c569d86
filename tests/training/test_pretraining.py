"""Pretraining: what of another folder a model may see before the task, and what it may not."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.settings import experiment

from neuralist.config.experiment import Experiment
from neuralist.data import parquet, tables
from neuralist.ingest import pretraining_pairs
from neuralist.text import word_vectors
from neuralist.text.tokenizer import TokenWindowing
from neuralist.training import pretraining

WINDOWING = TokenWindowing("word", 5, "head")


def read(folder: Path, similarity_range: tuple[float, float]) -> pretraining_pairs.PretrainingPairs:
    return pretraining_pairs.read(folder.parent, folder.name, similarity_range)


def graded(folder: Path, similarity_range: tuple[float, float], seed: int = 3) -> pretraining.Graded:
    found = read(folder, similarity_range)
    return pretraining.split(found.songs, found.pairs, seed)


def write_corpus(folder: Path, texts: dict[str, str], pairs: list[str], corpus: str = "") -> Path:
    rows = [f'{name},"{text}"' for name, text in texts.items()]
    (folder / "texts.csv").write_text("\n".join(["id,text", *rows]) + "\n", encoding="utf-8")
    header = "left_id,right_id,similarity" + (",split" if pairs[0].count(",") == 3 else "")
    (folder / "pairs.csv").write_text("\n".join([header, *pairs]) + "\n", encoding="utf-8")
    if corpus:
        (folder / "corpus.yaml").write_text(corpus, encoding="utf-8")
    return folder


TEXTS = {f"t{i}": f"the cook bakes cake {i}" for i in range(10)}
PAIRS = [f"t{i},t{j},{(i + j) / 10}" for i in range(10) for j in range(i)]  # 45, graded 0.1 to 1.7


def test_a_tenth_of_the_pairs_is_val_whatever_the_folder_says(tmp_path: Path) -> None:
    # SICK names its parts so.
    given_split = [f"{pair},TRIAL" for pair in PAIRS]
    made = write_corpus(tmp_path, TEXTS, given_split, "similarity_range: [0, 2]")
    found = graded(made, (0, 1))

    assert found.listing["split"].value_counts().to_dict() == {"train": 41, "val": 4}
    grades = {(one, other): float(grade) for one, other, grade in (pair.split(",") for pair in PAIRS)}
    pairs = zip(found.listing["left_id"], found.listing["right_id"], strict=True)
    assert found.listing["similarity"].tolist() == pytest.approx([grades[pair] / 2 for pair in pairs])
    assert found.songs["song_id"].tolist() == list(TEXTS)
    assert found.songs["lyrics"].tolist() == list(TEXTS.values())
    assert read(made, (0, 1)).rejects.empty


def test_the_val_pairs_follow_from_the_seed(tmp_path: Path) -> None:
    made = write_corpus(tmp_path, TEXTS, PAIRS)
    first, again, other = (graded(made, (0, 2), seed).listing["split"] for seed in (3, 3, 4))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_a_folder_without_a_range_takes_that_of_params_and_says_what_is_unused(
    tmp_path: Path,
) -> None:
    texts = {"a": "red sail", "b": "blue sail", "c": "..."}
    found = read(write_corpus(tmp_path, texts, ["a,b,3", "a,b,6", "a,c,2", "a,d,2"]), (1, 5))

    assert found.pairs["similarity"].tolist() == [0.5]
    assert list(zip(found.rejects["where"], found.rejects["reason"], strict=True)) == [
        (f"{tmp_path.name}/texts.csv:4", "lyrics without a word"),
        (f"{tmp_path.name}/pairs.csv:3", "similarity is not a number within similarity_range"),
        (f"{tmp_path.name}/pairs.csv:4", "its text is not used"),
        (f"{tmp_path.name}/pairs.csv:5", "unknown id"),
    ]
    assert str(found) == (
        "1 pairs; 1 not used: lyrics without a word; "
        "1 not used: similarity is not a number within similarity_range; 1 not used: its text is not used; "
        "1 not used: unknown id"
    )


def test_pairs_with_a_text_of_the_tasks_val_or_test_are_left_out(tmp_path: Path) -> None:
    texts = {"a": "Red sail!", "b": "a blue sail", "c": "the green sail", "d": "a white sail"}
    found = graded(write_corpus(tmp_path, texts, ["a,b,1", "b,c,0.5", "d,b,0", "c,a,0"]), (0, 1))
    songs = pd.DataFrame(
        {"song_id": ["x", "y", "z"], "lyrics": ["red SAIL", "The green sail.", "a white sail"]}
    )
    listing = pd.DataFrame(
        [("x", "z", "test"), ("z", "z", "train"), ("y", "y", "unused")],
        columns=["left_id", "right_id", "split"],
    )
    held = listing.assign(split=["val", "train", "unused"])

    for task in (listing, held):
        left = pretraining.exclude_evaluation_texts(found, songs, task, WINDOWING)
        # x, "red sail", and z, "a white sail", stand in a test (or val) pair; y does not
        assert list(zip(left.listing["left_id"], left.listing["right_id"], strict=True)) == [("b", "c")]
        assert str(left) == "pretraining: 1 pairs; 3 not used: a text of the task's val or test"
    with pytest.raises(ValueError, match="each of the 4 pairs holds a text of the task's val or test"):
        everything = pd.DataFrame({"song_id": ["x", "y"], "lyrics": ["a blue sail", "red sail"]})
        pretraining.exclude_evaluation_texts(
            found, everything, listing.assign(left_id="x", right_id="y"), WINDOWING
        )


@given(st.data())
def test_no_text_of_val_or_test_is_left(data: st.DataObject) -> None:
    texts = [f"sail {number}" for number in range(6)]
    number = st.integers(0, 5)
    pairs = data.draw(st.lists(st.tuples(number, number), min_size=1))
    task = data.draw(st.lists(st.tuples(number, number, st.sampled_from(["train", "val", "test"]))))
    made = pretraining.Graded(
        pd.DataFrame({"song_id": [f"p{i}" for i in range(6)], "lyrics": [text.upper() for text in texts]}),
        pd.DataFrame([(f"p{i}", f"p{j}") for i, j in pairs], columns=["left_id", "right_id"]),
    )
    songs = pd.DataFrame({"song_id": [f"s{i}" for i in range(6)], "lyrics": texts})
    rows = [(f"s{i}", f"s{j}", split) for i, j, split in task]
    listing = pd.DataFrame(rows, columns=["left_id", "right_id", "split"])

    barred = {i for *both, split in task if split != "train" for i in both}
    expected = [(f"p{i}", f"p{j}") for i, j in pairs if not {i, j} & barred]
    if not expected:
        with pytest.raises(ValueError, match="give other pairs"):
            pretraining.exclude_evaluation_texts(made, songs, listing, WINDOWING)
        return
    left = pretraining.exclude_evaluation_texts(made, songs, listing, WINDOWING)
    assert list(zip(left.listing["left_id"], left.listing["right_id"], strict=True)) == expected
    assert left.n_excluded == len(pairs) - len(expected)


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        (
            "similarity_range: [5, 1]",
            r"corpus\.yaml: similarity_range: received \[5, 1\]; give the lowest and",
        ),
        ("similarity_range: wide", "similarity_range: received 'wide'"),
        ("similarity_range: [1, 2, 3]", r"similarity_range: received \[1, 2, 3\]"),
        ("similarity_range: [1, .inf]", r"similarity_range: received \[1, inf\]"),
        ("similarity_range: {1: a, 5: b}", r"similarity_range: received {1: 'a', 5: 'b'}"),
        ("similarity_range: [7, 9]", r"pairs\.csv: 45 of 45 grades are no number from 7 to 9"),
    ],
)
def test_a_range_that_cannot_be_is_refused(tmp_path: Path, corpus: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(write_corpus(tmp_path, TEXTS, PAIRS, corpus), (0, 1))


def test_a_folder_of_another_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"pretrain_on: received 'absent', but .*absent is no folder"):
        read(tmp_path / "absent", (0, 1))
    with pytest.raises(ValueError, match=rf"pretrain_on: .*{tmp_path.name}: texts\.csv: cannot be read"):
        read(tmp_path, (0, 1))


@pytest.mark.parametrize("folder", ["/elsewhere", "../other", "a/../../other", "~/sentences", "", "."])
def test_a_folder_outside_the_raw_folder_is_refused(folder: str) -> None:
    with pytest.raises(ValueError, match="give its path relative to that"):
        Experiment.model_validate(experiment().model_dump() | {"pretrain_on": folder})


def test_a_folder_within_a_folder_of_the_raw_folder_is_taken() -> None:
    assert experiment(pretrain_on="graded/sentences").pretrain_on == "graded/sentences"


def test_words_come_from_no_text_of_val_or_test() -> None:
    assert word_vectors.without(["Red sail!", "a blue sail"], ["red sail"]) == ["a blue sail"]


def test_texts_are_equal_where_the_segmenter_cuts_them_alike(tmp_path: Path) -> None:
    pytest.importorskip("icu4py")
    texts, ours = ["我爱 北京", "北京"], "我爱北京"  # ICU: 我, 爱, 北京
    assert word_vectors.without(texts, [ours]) == texts
    assert word_vectors.without(texts, [ours], "icu") == ["北京"]
    frames = (
        pd.DataFrame({"song_id": ["a", "b"], "lyrics": texts}),
        pd.DataFrame([("a", "a", 1.0), ("b", "b", 1.0)], columns=["left_id", "right_id", "similarity"]),
    )
    task = pd.DataFrame({"song_id": ["x"], "lyrics": [ours]}), LISTING
    assert pretraining.prepare(*frames, experiment(), *task).n_excluded == 0
    assert pretraining.prepare(*frames, experiment(), *task, "icu").n_excluded == 1


def test_without_pretrain_on_the_tables_are_empty_and_have_their_columns(tmp_path: Path) -> None:
    found = pretraining_pairs.read(tmp_path, None, (0, 1))
    parquet.write(found.songs, tables.PRETRAINING_SONGS, tmp_path / "songs.parquet")
    parquet.write(found.pairs, tables.PRETRAINING_PAIRS, tmp_path / "pairs.parquet")

    assert (len(found.songs), len(found.pairs), len(found.rejects)) == (0, 0, 0)
    assert pretraining.load(tmp_path, experiment(), SONGS, LISTING) is None


SONGS = pd.DataFrame({"song_id": ["x"], "lyrics": ["the cook bakes cake 3"]})
LISTING = pd.DataFrame([("x", "x", "val")], columns=["left_id", "right_id", "split"])


def test_what_the_stage_wrote_is_read_without_the_tasks_val_texts(tmp_path: Path) -> None:
    found = read(write_corpus(tmp_path, TEXTS, PAIRS), (0, 2))
    parquet.write(found.songs, tables.PRETRAINING_SONGS, tmp_path / "songs.parquet")
    parquet.write(found.pairs, tables.PRETRAINING_PAIRS, tmp_path / "pairs.parquet")

    loaded = pretraining.load(tmp_path, experiment(pretrain_on="sentences"), SONGS, LISTING)

    assert loaded is not None
    # 9 of the 45 pairs hold t3, whose text is x's
    assert str(loaded) == "pretraining: 36 pairs; 9 not used: a text of the task's val or test"
    assert not np.isin(loaded.listing[["left_id", "right_id"]], "t3").any()
