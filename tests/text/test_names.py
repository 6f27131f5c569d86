"""Two spellings of one name become equal; two names do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralist.text import names


@pytest.mark.parametrize("name", ["!!!", "The The", "And", "(Untitled)", "feat.", "&", "...", "の", "-"])
def test_no_name_folds_to_nothing(name: str) -> None:
    folds = (names.spaced, names.lettered, names.worded, names.key, names.without_guests)
    assert all(fold(name) for fold in folds)


def test_marks_of_other_scripts_stay_because_they_are_letters_there() -> None:
    assert names.key("ガラス") != names.key("カラス")


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        ("lanterns on the water\nand paper in the rain", "lanterns on the water…"),  # 21 of 43
        (
            "one two three four five six seven eight nine ten eleven",
            "one two three four five six…",
        ),  # 27 of 55
        ("a b c d e f g h i j k l m n o p", "a b c d e f…"),
        (" ".join(["chrysanthemums"] * 20), "chrysanthemums chrysanthemums…"),  # 40 characters
        ("moss", "mo…"),
        ("紙の灯籠が水の上を行く", "紙の灯籠が…"),
        ("a", "…"),
    ],
)
def test_first_words_are_six_at_most_and_half_of_the_text(text: str, beginning: str) -> None:
    assert names.first_words(text) == beginning


@given(st.text())
def test_first_words_begin_the_text_and_are_short(text: str) -> None:
    beginning = names.first_words(text).removesuffix("…")
    assert names.spaced(text).startswith(beginning)
    assert len(beginning) <= min(40, len(text) / 2)
    assert len(beginning.split()) <= 6


def test_a_slug_is_readable_in_any_script() -> None:
    assert names.slug_part("Like a Virgin") == "like-a-virgin"
    assert names.slug_part("Don't (Stop)") == "dont-stop"
    assert names.slug_part("Прости меня, моя любовь") == "прости-меня-моя-любовь"


def test_names_are_related_when_half_the_words_of_the_shorter_are_shared() -> None:
    assert names.related("Oh Girl", "The Girl")
    assert names.related("Tin Roof", "Tin Roof (Medley)")
    assert not names.related("All My Lanterns", "Harbour Noise")
    assert not names.related("The Lanterns", "The Harbours")


@given(st.text())
def test_folding_a_folded_name_changes_nothing(name: str) -> None:
    for fold in (names.spaced, names.lettered, names.worded):
        assert fold(fold(name)) == fold(name)


@given(st.lists(st.sampled_from(["tin", "roof", "harbour", "light"]), min_size=1).map(" ".join))
def test_case_the_and_spaces_never_matter_to_the_key(name: str) -> None:
    assert names.key("The " + name.title()) == names.key(name.replace(" ", "  ")) == name.replace(" ", "")
