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
