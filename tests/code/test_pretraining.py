"""Pretraining: what of another folder a model may see before the task, and what it may not."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.settings import experiment

from neuralist.text.tokenizer import Reads
from neuralist.training import pretraining

READS = Reads("word", 5, "head")


def folder(into: Path, texts: dict[str, str], pairs: list[str], corpus: str = "") -> Path:
    rows = [f'{name},"{text}"' for name, text in texts.items()]
    (into / "texts.csv").write_text("\n".join(["id,text", *rows]) + "\n", encoding="utf-8")
    header = "left_id,right_id,similarity" + (",split" if pairs[0].count(",") == 3 else "")
    (into / "pairs.csv").write_text("\n".join([header, *pairs]) + "\n", encoding="utf-8")
    if corpus:
        (into / "corpus.yaml").write_text(corpus, encoding="utf-8")
    return into


TEXTS = {f"t{i}": f"the cook bakes cake {i}" for i in range(10)}
PAIRS = [f"t{i},t{j},{(i + j) / 10}" for i in range(10) for j in range(i)]  # 45, graded 0.1 to 1.7


def test_a_tenth_of_the_pairs_is_val_whatever_the_folder_says(tmp_path: Path) -> None:
    given_split = [f"{pair},test" for pair in PAIRS]
    found = pretraining.read(folder(tmp_path, TEXTS, given_split, "similarity_range: [0, 2]"), (0, 1), 3)

    assert found.listing["split"].value_counts().to_dict() == {"train": 41, "val": 4}
    grades = {(one, other): float(grade) for one, other, grade in (pair.split(",") for pair in PAIRS)}
    pairs = zip(found.listing["left_id"], found.listing["right_id"], strict=True)
    assert found.listing["similarity"].tolist() == pytest.approx([grades[pair] / 2 for pair in pairs])
    assert found.songs["song_id"].tolist() == list(TEXTS)
    assert found.songs["lyrics"].tolist() == list(TEXTS.values())
    assert found.rejects.empty


def test_the_val_pairs_follow_from_the_seed(tmp_path: Path) -> None:
    made = folder(tmp_path, TEXTS, PAIRS)
    first, again, other = (pretraining.read(made, (0, 2), seed).listing["split"] for seed in (3, 3, 4))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_a_folder_without_a_range_is_graded_by_that_of_params_and_tells_what_it_cannot_use(
    tmp_path: Path,
) -> None:
    texts = {"a": "red sail", "b": "blue sail", "c": "..."}
    found = pretraining.read(folder(tmp_path, texts, ["a,b,3", "a,b,6", "a,c,2", "a,d,2"]), (1, 5), 3)

    assert found.listing["similarity"].tolist() == [0.5]
    assert list(zip(found.rejects["where"], found.rejects["reason"], strict=True)) == [
        ("texts.csv:4", "lyrics without a word"),
        ("pairs.csv:3", "similarity is not a number within similarity_range"),
        ("pairs.csv:4", "its text is not used"),
        ("pairs.csv:5", "unknown id"),
    ]


def test_pairs_with_a_text_of_the_tasks_val_or_test_are_left_out_and_told(tmp_path: Path) -> None:
    texts = {"a": "Red sail!", "b": "a blue sail", "c": "the green sail", "d": "a white sail"}
    graded = pretraining.read(folder(tmp_path, texts, ["a,b,1", "b,c,0.5", "d,b,0", "c,a,0"]), (0, 1), 3)
    songs = pd.DataFrame(
        {"song_id": ["x", "y", "z"], "lyrics": ["red SAIL", "The green sail.", "a white sail"]}
    )
    listing = pd.DataFrame(
        [("x", "z", "test"), ("z", "z", "train"), ("y", "y", "unused")],
        columns=["left_id", "right_id", "split"],
    )
    held = listing.assign(split=["val", "train", "unused"])

    for task in (listing, held):
        left = pretraining.apart(graded, songs, task, READS)
        # x, "red sail", and z, "a white sail", stand in a test (or val) pair; y does not
        assert list(zip(left.listing["left_id"], left.listing["right_id"], strict=True)) == [("b", "c")]
        assert left.rejects["value"].tolist() == ["a - b", "d - b", "c - a"]
        assert set(left.rejects["reason"]) == {"a text of the task's val or test"}
    with pytest.raises(ValueError, match="each of the 4 pairs holds a text of the task's val or test"):
        everything = pd.DataFrame({"song_id": ["x", "y"], "lyrics": ["a blue sail", "red sail"]})
        pretraining.apart(graded, everything, listing.assign(left_id="x", right_id="y"), READS)


@given(st.data())
def test_no_text_of_val_or_test_is_left(data: st.DataObject) -> None:
    texts = [f"sail {number}" for number in range(6)]
    number = st.integers(0, 5)
    pairs = data.draw(st.lists(st.tuples(number, number), min_size=1))
    task = data.draw(st.lists(st.tuples(number, number, st.sampled_from(["train", "val", "test"]))))
    graded = pretraining.Graded(
        pd.DataFrame({"song_id": [f"p{i}" for i in range(6)], "lyrics": [text.upper() for text in texts]}),
        pd.DataFrame([(f"p{i}", f"p{j}") for i, j in pairs], columns=["left_id", "right_id"]),
        pd.DataFrame(columns=["source", "where", "reason", "value"]),
    )
    songs = pd.DataFrame({"song_id": [f"s{i}" for i in range(6)], "lyrics": texts})
    rows = [(f"s{i}", f"s{j}", split) for i, j, split in task]
    listing = pd.DataFrame(rows, columns=["left_id", "right_id", "split"])

    barred = {i for *both, split in task if split != "train" for i in both}
    expected = [(f"p{i}", f"p{j}") for i, j in pairs if not {i, j} & barred]
    if not expected:
        with pytest.raises(ValueError, match="give other pairs"):
            pretraining.apart(graded, songs, listing, READS)
        return
    left = pretraining.apart(graded, songs, listing, READS)
    assert list(zip(left.listing["left_id"], left.listing["right_id"], strict=True)) == expected
    assert len(left.rejects) == len(pairs) - len(expected)


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        (
            "similarity_range: [5, 1]",
            r"corpus\.yaml: similarity_range: received \[5, 1\]; give the lowest and",
        ),
        ("similarity_range: wide", "similarity_range: received 'wide'"),
        ("similarity_range: [1, 2, 3]", r"similarity_range: received \[1, 2, 3\]"),
        ("similarity_range: [7, 9]", r"pairs\.csv: 45 of 45 grades are no number from 7 to 9"),
    ],
)
def test_a_range_that_cannot_be_is_refused(tmp_path: Path, corpus: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pretraining.read(folder(tmp_path, TEXTS, PAIRS, corpus), (0, 1), 3)


def test_a_folder_of_another_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"pretrain_on: no folder '.*absent'; give one with texts\.csv"):
        pretraining.read(tmp_path / "absent", (0, 1), 3)
    with pytest.raises(ValueError, match=r"expected either .* texts\.csv and pairs\.csv; found none of them"):
        pretraining.read(tmp_path, (0, 1), 3)


def test_words_come_from_each_folder_once_and_from_no_text_of_val_or_test(tmp_path: Path) -> None:
    texts = {"a": "Red sail!", "b": "a blue sail"}
    named = experiment(pretrain_on=str(folder(tmp_path, texts, ["a,b,1"])))
    assert pretraining.texts([experiment(), named, named], ["red sail"]) == ["a blue sail"]
    assert pretraining.texts([experiment()], ["red sail"]) == []


def test_an_experiment_that_names_no_folder_has_nothing_before_its_task(tmp_path: Path) -> None:
    songs = pd.DataFrame({"song_id": ["x"], "lyrics": ["the cook bakes cake 3"]})
    listing = pd.DataFrame([("x", "x", "val")], columns=["left_id", "right_id", "split"])
    assert pretraining.of(experiment(), (0, 2), songs, listing) is None

    named = experiment(pretrain_on=str(folder(tmp_path, TEXTS, PAIRS)))
    found = pretraining.of(named, (0, 2), songs, listing)
    assert found is not None
    # 9 of the 45 pairs hold t3, whose text is x's
    assert found.told() == "pretraining: 36 pairs\n9 not used: a text of the task's val or test"
