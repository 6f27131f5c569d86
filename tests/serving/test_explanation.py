"""What lines and words contribute to a similarity, worked out by hand; texts of every odd form."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import served

from neuralist.serving import explanation
from neuralist.serving.model import Model
from neuralist.text.tokenizer import TokenWindowing, words

ALL = TokenWindowing("word", 1000, "head")
RIVER = "rain on the river"
Contributions = dict[str, float | None]


def shared(left: Sequence[str], right: Sequence[str]) -> np.ndarray:
    """The similarity of these tests: a tenth for each word that two texts share."""
    return np.array([len({*words(a)} & {*words(b)}) / 10 for a, b in zip(left, right, strict=True)])


def contributions(table: pd.DataFrame, text: str, unit: str) -> Contributions:
    """The contributions of the lines or words of a text, in the order of the table; None for null."""
    rows = table[(table["text"] == text) & (table["unit"] == unit)]
    values = [None if math.isnan(value) else value for value in rows["contribution"]]
    return dict(zip(rows["part"], values, strict=True))


def test_a_line_contributes_what_only_it_shares_and_a_word_what_it_shares() -> None:
    table = explanation.explain("the rain\nthe moon and the river", RIVER, ALL, shared)

    assert table.attrs == {"similarity": 0.3, "notes": []}
    # "the" stands in both lines, so that without one of them it is still shared.
    assert contributions(table, "a", "line") == {"the rain": 0.1, "the moon and the river": 0.1}
    assert contributions(table, "a", "word") == {"the": 0.1, "rain": 0.1, "river": 0.1, "moon": 0, "and": 0}
    # A text of one line would be gone without it.
    assert contributions(table, "b", "line") == {}
    assert contributions(table, "b", "word") == {"rain": 0.1, "the": 0.1, "river": 0.1, "on": 0}


def test_the_table_says_where_a_part_stands_and_how_often() -> None:
    table = explanation.explain("[moon]\n\nRain, rain!\nthe moon\nrain (rain)", RIVER, ALL, shared)

    rows = table[table["text"] == "a"].drop(columns="text").to_records(index=False).tolist()
    assert rows == [
        ("line", 3, "Rain, rain!", 2, True, 0.1),
        ("line", 4, "the moon", 1, True, 0.1),
        ("line", 1, "[moon]", 1, True, 0.0),
        ("word", 3, "rain", 4, True, 0.1),
        ("word", 4, "the", 1, True, 0.1),
        ("word", 1, "moon", 2, True, 0.0),
    ]


def test_what_speaks_against_the_similarity_is_below_0() -> None:
    def without_moon(left: Sequence[str], right: Sequence[str]) -> np.ndarray:
        return shared(left, right) - [0.05 * ("moon" in words(text)) for text in left]

    table = explanation.explain("rain\nmoon", RIVER, ALL, without_moon)

    assert contributions(table, "a", "line") == {"rain": 0.1, "moon": -0.05}


@pytest.mark.parametrize(
    ("long_text", "read", "unread", "similarity"),
    [
        ("head", {"rain rain": 0.1, "the moon": 0.1}, "my river", 0.2),
        ("tail", {"the moon": 0.1, "my river": 0.1}, "rain rain", 0.2),
    ],
)
def test_a_line_that_is_not_read_contributes_0_and_never_takes_the_place_of_another(
    long_text: str, read: Contributions, unread: str, similarity: float
) -> None:
    """Were "rain rain" left out of the text itself, the model would read "my river" in its place."""
    windowing = TokenWindowing("word", 4, long_text)

    def cut(left: Sequence[str], right: Sequence[str]) -> np.ndarray:
        return shared([windowing.excerpt(text) for text in left], right)

    table = explanation.explain("rain rain\nthe moon\nmy river", "rain the river", windowing, cut)

    assert table.attrs["similarity"] == similarity
    assert contributions(table, "a", "line") == read | {unread: 0}
    not_read = table[~table["read"]]
    assert not_read["part"].tolist() == [unread]
    assert not set(words(unread)) & set(contributions(table, "a", "word"))
    assert table.attrs["notes"] == [
        "a: the model reads 4 of 6 words; 1 of 3 lines are not read, and contribute 0"
    ]


def test_of_a_line_that_is_read_in_part_that_part_is_left_out() -> None:
    windowing = TokenWindowing("word", 3, "head")
    table = explanation.explain("the moon\nrain river", RIVER, windowing, shared)

    # It is read as far as "rain".
    assert contributions(table, "a", "line") == {"the moon": 0.1, "rain river": 0.1}
    assert contributions(table, "a", "word") == {"the": 0.1, "rain": 0.1, "moon": 0}


def test_a_similarity_that_heeds_what_is_not_read_is_noted() -> None:
    def by_length(left: Sequence[str], right: Sequence[str]) -> np.ndarray:
        return np.array(
            [1 / (1 + abs(len(words(a)) - len(words(b)))) for a, b in zip(left, right, strict=True)]
        )

    windowing = TokenWindowing("word", 2, "head")
    table = explanation.explain("one two three", "one two", windowing, by_length)

    assert table.attrs["similarity"] == 1
    assert table.attrs["notes"][-1] == (
        "contributions are to the similarity of what is read, 1.000; that of the whole texts is 0.500, for "
        "their lengths count too"
    )


def test_a_long_line_is_cut_into_sentences_and_a_longer_one_into_runs_of_words() -> None:
    numbers = [f"n{number}" for number in range(35)]
    text = f"Rain, at 3.5 metres. {' '.join(numbers)}! Oh..."
    lines = contributions(explanation.explain(text, RIVER, ALL, shared), "a", "line")

    runs = [numbers[:10], numbers[10:20], numbers[20:30], [*numbers[30:34], "n34!"]]
    assert list(lines) == ["Rain, at 3.5 metres.", *(" ".join(run) for run in runs), "Oh..."]
    assert list(lines.values()) == [0.1, 0, 0, 0, 0, 0]
    # 30 words are a line as it is.
    short = contributions(explanation.explain(". ".join(numbers[:30]), RIVER, ALL, shared), "a", "line")
    assert short == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ON-THE...RIVER", ["on", "the", "river"]),
        ("don’t d'amour", ["don't", "d", "amour"]),
        ("дождь над рекой", ["дождь", "над", "рекой"]),
        ("مطر على النهر", ["مطر", "على", "النهر"]),
        ("雨が川に　降る", ["雨が川に", "降る"]),
        ("नदी पर बारिश", ["नदी", "पर", "बारिश"]),
        ("ﬁre-ﬂy STRASSE Straße", ["fire fly", "strasse"]),  # ligatures are folded into two letters
        ("cafe\u0301 café au", ["café", "au"]),
        ("rain\u202e on\x1b[31m", ["rain", "on", "31m"]),
    ],
)
def test_words_of_any_script_are_left_out_one_by_one(text: str, expected: list[str]) -> None:
    table = explanation.explain(text, text, ALL, shared)

    assert sorted(contributions(table, "a", "word")) == sorted(expected)
    # Without a word the other text does not share it.
    assert contributions(table, "a", "word") == {
        word: pytest.approx(len(word.split()) / 10) for word in contributions(table, "a", "word")
    }


@pytest.mark.parametrize("breaks", ["\n", "\r\n", "\r", "\u2028", "\x85"])
def test_lines_end_as_the_style_of_a_text_counts_them(breaks: str) -> None:
    table = explanation.explain(breaks.join(["rain", "river", "moon"]), RIVER, ALL, shared)

    assert contributions(table, "a", "line") == {"rain": 0.1, "river": 0.1, "moon": 0}
    assert sorted(table.loc[table["unit"] == "line", "line"]) == [1, 2, 3]


def test_no_more_is_encoded_than_the_limit_and_the_rest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explanation, "MAX_TOKENS", 17)
    n_scored = []

    def counted(left: Sequence[str], right: Sequence[str]) -> np.ndarray:
        n_scored.append(len(left))
        return shared(left, right)

    table = explanation.explain("rain one\ntwo\nthree four\nriver five", RIVER, ALL, counted)

    # 17 tokens are two texts of 7, and four of 4: of b all words.
    assert list(contributions(table, "a", "line")) == ["rain one", "two"]
    assert list(contributions(table, "a", "word")) == ["rain", "one"]
    assert len(contributions(table, "b", "word")) == 4
    assert n_scored == [2 + 2 + 2 + 4]
    assert table.attrs["notes"] == [
        "a: only the first 2 of 4 lines were left out, for in so long a text each takes time",
        "a: only the first 2 of 7 words were left out, for in so long a text each takes time",
    ]


@given(
    st.lists(st.lists(st.sampled_from(["ab", "cd", "ef", "gh", "ij"]), max_size=3), min_size=1, max_size=6),
    st.lists(st.sampled_from(["ab", "cd", "kl"]), min_size=1, max_size=3),
)
@settings(max_examples=60, deadline=None)
def test_contributions_are_those_of_a_plain_way_to_leave_parts_out(
    lines: list[list[str]], other: list[str]
) -> None:
    if not any(lines):
        return
    a, b = "\n".join(map(" ".join, lines)), " ".join(other)

    def similarity(kept: list[list[str]]) -> float:
        """The commonest shared word decides, so that copies count."""
        flat = [word for line in kept for word in line]
        return max(flat.count(word) for word in other) / 100

    def similarities(left: Sequence[str], right: Sequence[str]) -> np.ndarray:
        pairs = zip(map(words, left), map(words, right), strict=True)
        return np.array([max(one.count(word) for word in two) / 100 for one, two in pairs])

    table = explanation.explain(a, b, ALL, similarities)
    distinct = {" ".join(line): line for line in lines if line}
    known = {word for line in lines for word in line}
    expected = {
        text: similarity(lines) - similarity([line for line in lines if line != left_out])
        for text, left_out in distinct.items()
    }
    assert contributions(table, "a", "line") == pytest.approx(expected if len(distinct) > 1 else {})
    by_word = {
        word: similarity(lines) - similarity([[one for one in line if one != word] for line in lines])
        for word in known
    }
    if len(known) > 1:
        assert contributions(table, "a", "word") == pytest.approx(by_word)


# --- through an encoder -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model.load(served.write(tmp_path_factory.mktemp("model") / "served"))


def test_a_model_explains_its_own_similarity(model: Model) -> None:
    """It remembers the last word alone: moss is at 0, stone at 0.5, fern 0.25 beside stone."""
    table = model.explain("moss\nstone", "fern")

    assert table.attrs["similarity"] == model.similarity("moss\nstone", "fern") == served.STONE_FERN
    # Without "stone" the text ends in moss, which is less like fern.
    expected = {"stone": round(served.STONE_FERN - served.MOSS_FERN, 6), "moss": 0}
    assert contributions(table, "a", "line") == contributions(table, "a", "word") == expected
    assert contributions(table, "b", "word") == {"fern": None}  # nothing would be left


def test_where_no_known_word_would_be_left_the_contribution_is_null(model: Model) -> None:
    table = model.explain("granite\nmoss", "stone basalt")

    assert (
        contributions(table, "a", "line") == contributions(table, "a", "word") == {"granite": 0, "moss": None}
    )
    # Without basalt the text ends in stone, 1 away from what is not known.
    rises = round(math.exp(-0.5) - served.MOSS_STONE, 6)
    assert contributions(table, "b", "word") == {"basalt": rises, "stone": None}


def test_of_equal_texts_nothing_speaks_against_the_similarity(model: Model) -> None:
    table = model.explain("moss\nstone", "moss\nstone")

    falls = round(1 - served.MOSS_STONE, 6)
    assert table.attrs["similarity"] == 1
    for text in ("a", "b"):
        assert contributions(table, text, "line") == {"stone": falls, "moss": 0}


def test_lines_that_a_model_does_not_read_are_in_its_table(model: Model) -> None:
    table = model.explain("moss moss\nstone\nfern", "stone")  # three words are read

    assert contributions(table, "a", "line") == {
        "stone": round(1 - served.MOSS_STONE, 6),
        "moss moss": 0,
        "fern": 0,
    }
    assert table.loc[~table["read"], "part"].tolist() == ["fern"]


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ("moss", "...", "row 1 of 1, column lyrics_b: received a text without any word"),
        ("granite", "moss", "row 1 of 1, column lyrics_a: received a text of which the model knows no word"),
        (["moss"], "moss", "row 1 of 1, column lyrics_a: received a list; give a text"),
        ("moss", None, "row 1 of 1, column lyrics_b: received null; give a text"),
    ],
)
def test_what_is_no_text_is_not_explained(model: Model, a: str, b: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        model.explain(a, b)


def test_explaining_needs_no_catalogue_and_no_threshold(tmp_path: Path) -> None:
    folder = served.write(tmp_path)
    model = Model.load(folder)
    for name in ("catalogue.parquet", "embeddings.npy"):
        (folder / name).unlink()

    assert model.explain("moss\nstone", "fern").attrs["similarity"] == served.STONE_FERN
