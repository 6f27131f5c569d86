"""Spellings of one song's artist and title match, each by its kind; other songs' never do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralist.text import matching, names

Names = tuple[str, str]


def kind(track: Names, song: Names) -> str:
    """The first kind by which the names match, or "none"."""
    for each in matching.KINDS:
        folded = [each.track[at](track[at]) == each.song[at](song[at]) for at in (0, 1)]
        if all(folded):
            return each.name
    return "none"


@pytest.mark.parametrize(
    ("expected", "track", "song"),
    [
        ("same names", ("Ola Brandt", "Tin  Roof "), ("Ola Brandt", "Tin Roof")),
        ("case and accents", ("Beyoncé", "ÉTÉ"), ("Beyonce", "été")),
        ("case and accents", ("Sigur Rós", "Ærø"), ("sigur ros", "aero")),
        ("punctuation", ("R.E.M.", "I\x19m Moving On"), ("REM", "I'm Moving On")),
        ("punctuation", ("Ke$ha", "Dance_ Dance"), ("Kesha", "Dance, Dance")),
        ("punctuation", ("Simon & Garfunkel", "Run-Around"), ("Simon and Garfunkel", "Run Around")),
        ("punctuation", ("Ola", "Stay (With Me)"), ("Ola", "Stay With Me")),
        ("the / and / spaces", ("The Lanterns", "Flash Light"), ("Lanterns", "Flashlight")),
        ("the / and / spaces", ("Guns N' Roses", "X"), ("Guns and Roses", "X")),
        ("remaster, edit or version", ("Ola", "Tin Roof - Remastered 2011"), ("Ola", "Tin Roof")),
        ("remaster, edit or version", ("Ola", "Tin Roof (Radio Edit) [2003]"), ("Ola", "Tin Roof")),
        ("remaster, edit or version", ("Ola", "Tin Roof"), ("Ola", "Tin Roof [Album Version]")),
        ("remaster, edit or version", ("Ola", "Roof, Pt. II"), ("Ola", "Roof (Part 2)")),
        ("remaster, edit or version", ("Ola", "Roof Part One (Mono)"), ("Ola", "Roof Pt.1")),
        ("live or acoustic", ("Ola", "Tin Roof (Live) [Remaster]"), ("Ola", "Tin Roof")),
        ("live or acoustic", ("Ola", "Tin Roof - Live at the Hall - Mono"), ("Ola", "Tin Roof")),
        ("live or acoustic", ("Ola", "Tin Roof (Live At"), ("Ola", "Tin Roof")),
        ("live or acoustic", ("Ola", "Tin Roof (Acoustic)"), ("Ola", "Tin Roof (Live (Unplugged))")),
        ("remix", ("Ola", "Tin Roof [Harbour Club Remix]"), ("Ola", "Tin Roof")),
        ("featured artist", ("Ola featuring Ben", "Tin Roof"), ("Ola", "Tin Roof (feat. Ben)")),
        ("featured artist", ("Ola", "Tin Roof (with Ben) [Live]"), ("Ola", "Tin Roof ft. Cy")),
        ("subtitle", ("Ola", "(Up On The) Tin Roof"), ("Ola", "Tin Roof")),
        ("subtitle", ("Ola", "Tin Roof"), ("Ola", "Tin Roof (The Rain Song) - Live")),
        ("first of several artists", ("Ola Brandt & Ben", "Tin Roof"), ("Ola Brandt", "Tin Roof")),
        ("first of several artists", ("Ola Brandt", "Tin Roof"), ("Ola Brandt / Cy", "Tin Roof (Rain)")),
        ("first of several artists", ("Ola Brandt with The Hail", "Roof"), ("Ola Brandt", "Roof")),
    ],
)
def test_a_song_under_two_spellings_matches_by_its_kind(expected: str, track: Names, song: Names) -> None:
    assert kind(track, song) == expected


@pytest.mark.parametrize(
    ("track", "song"),
    [
        (("Cy Pell", "Stay"), ("Cy Pell", "Stay With Me")),
        (("Cy Pell", "Man"), ("Cy Pell", "Man vs. Sea")),
        (("Cy Pell", "Love"), ("Cy Pell", "Love - Rain and Hail")),
        (("Cy Pell", "Roof (Part 1)"), ("Cy Pell", "Roof (Part 2)")),
        (("Cy Pell", "Roof, Pt. 2"), ("Cy Pell", "Roof")),
        (("Cy Pell", "Roof - Vol. 2"), ("Cy Pell", "Roof")),
        (("Cy Pell", "Roof (Karaoke)"), ("Cy Pell", "Roof")),
        (("Cy Pell", "Roof - Instrumental Version"), ("Cy Pell", "Roof")),
        (("Cy Pell", "Roof (Live) [Instrumental]"), ("Cy Pell", "Roof")),
        (("Cy Pell (Karaoke)", "Roof"), ("Cy Pell", "Roof")),
        (("Cy Pell", "Roof (Spanish Version)"), ("Cy Pell", "Roof")),
        (("Cy Pell", "Roof (Reprise)"), ("Cy Pell", "Roof")),
        (("Cy Pell", "Angel (Of Rain)"), ("Cy Pell", "Angel (Of Hail)")),
        (("Earth", "Roof"), ("Earth, Wind & Fire", "Roof")),
        (("Simon & Garfunkel", "Roof"), ("Simon", "Roof")),
        (("Sleeping With Sirens", "Roof"), ("Sleeping", "Roof")),
        (("AC/DC", "Roof"), ("AC", "Roof")),
        (("Tyler, The Builder", "Roof"), ("Tyler", "Roof")),
        (("10,000 Roofers", "Roof"), ("10", "Roof")),
        (("Ola Brandt & Ben", "Roof"), ("Ola Brandt & Cy", "Roof")),
    ],
)
def test_two_songs_never_match_either_way_round(track: Names, song: Names) -> None:
    assert kind(track, song) == kind(song, track) == "none"


@pytest.mark.parametrize(
    "name", ["!!!", "The The", "And", "(Untitled)", "feat.", "&", "...", "の", "-", "(Live)"]
)
def test_no_name_folds_to_nothing(name: str) -> None:
    assert all(fold(name) for each in matching.KINDS for fold in (*each.track, *each.song))


WORDS = st.lists(st.sampled_from(["tin", "roof", "harbour", "stay", "with", "live", "part"]), min_size=1)
TITLES = WORDS.map(" ".join).filter(lambda title: not title.startswith("live"))
SAME = ["(Live)", "[Album Version]", "- Remastered 2009", "(Radio Edit)", "(Club Remix)", "(feat. Ben)"]
OTHERS = ["(Karaoke Version)", "[Instrumental]", "- Part 2", "Pt. 3", "- Karaoke", "(En Español)", "With Me"]


@given(TITLES, st.lists(st.sampled_from(SAME), min_size=1, max_size=3))
def test_suffixes_of_a_recording_never_hide_the_song(title: str, suffixes: list[str]) -> None:
    assert kind(("Ola", " ".join([title, *suffixes])), ("Ola", title)) != "none"


@given(TITLES, st.sampled_from(OTHERS), st.lists(st.sampled_from(SAME), max_size=2))
def test_suffixes_of_another_song_never_give_the_lyrics(title: str, other: str, suffixes: list[str]) -> None:
    longer = " ".join([title, other, *suffixes])
    assert kind(("Ola", longer), ("Ola", title)) == kind(("Ola", title), ("Ola", longer)) == "none"


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_a_title_keeps_its_key_when_nothing_is_dropped(name: str, other: str) -> None:
    assert matching.title(name) or not names.key(name)
    if names.key(name) == names.key(other) and "p" not in names.worded(name):
        assert matching.title(name) == matching.title(other)
