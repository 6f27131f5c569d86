"""Two spellings of one name become equal; two names do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralist.text import names

KINDS = {kind.name: kind for kind in names.KINDS}


@pytest.mark.parametrize(
    ("kind", "left", "right"),
    [
        ("same names", ("Ola Brandt", "Tin  Roof "), ("Ola Brandt", "Tin Roof")),
        ("case and accents", ("Beyoncé", "ÉTÉ"), ("Beyonce", "été")),
        ("case and accents", ("Sigur Rós", "Ærø"), ("sigur ros", "aero")),
        ("punctuation", ("R.E.M.", "I\x19m Moving On"), ("REM", "I'm Moving On")),
        ("punctuation", ("Ke$ha", "Dance_ Dance"), ("Kesha", "Dance, Dance")),
        ("punctuation", ("Simon & Garfunkel", "Run-Around"), ("Simon and Garfunkel", "Run Around")),
        ("the / and / spaces", ("The Lanterns", "Flash Light"), ("Lanterns", "Flashlight")),
        ("the / and / spaces", ("Guns N' Roses", "X"), ("Guns and Roses", "X")),
        ("bracketed suffix", ("Ola", "Tin Roof (Live) [Remaster]"), ("Ola", "Tin Roof")),
        ("bracketed suffix", ("Ola", "(Up On The) Tin Roof"), ("Ola", "Tin Roof")),
        ("bracketed suffix", ("Ola", "Tin Roof (Live At"), ("Ola", "Tin Roof")),
        ("featured artist", ("Ola featuring Ben", "Tin Roof"), ("Ola", "Tin Roof (feat. Ben)")),
        ("first of several artists", ("Ola & Ben", "Tin Roof"), ("Ola / Cy", "Tin Roof")),
    ],
)
def test_each_kind_of_match_is_found_by_its_fold_and_by_none_before(
    kind: str, left: tuple[str, str], right: tuple[str, str]
) -> None:
    earlier = names.KINDS[: names.KINDS.index(KINDS[kind])]
    equal = [
        k.artist(left[0]) == k.artist(right[0]) and k.title(left[1]) == k.title(right[1]) for k in earlier
    ]
    assert not any(equal)
    assert KINDS[kind].artist(left[0]) == KINDS[kind].artist(right[0])
    assert KINDS[kind].title(left[1]) == KINDS[kind].title(right[1])


@pytest.mark.parametrize("name", ["!!!", "The The", "And", "(Untitled)", "feat.", "&", "...", "の", "-"])
def test_no_name_folds_to_nothing(name: str) -> None:
    assert all(kind.artist(name) and kind.title(name) for kind in names.KINDS)


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


@given(st.text(min_size=1), st.sampled_from(["(Live)", "[Album Version]"]))
def test_a_bracketed_suffix_never_matters_to_its_fold(name: str, suffix: str) -> None:
    if not any(bracket in name for bracket in "()[]") and name.strip():
        assert names.unbracketed(f"{name} {suffix}") == names.unbracketed(name)


@given(st.lists(st.sampled_from(["tin", "roof", "harbour", "light"]), min_size=1).map(" ".join))
def test_case_the_and_spaces_never_matter_to_the_key(name: str) -> None:
    assert names.key("The " + name.title()) == names.key(name.replace(" ", "  ")) == name.replace(" ", "")
