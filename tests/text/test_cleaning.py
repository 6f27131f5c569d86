import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralist.text import cleaning
from neuralist.text.cleaning import clean

FIRST, SECOND = "the kettle hums at noon", "the harbour keeps its bell"
SONG = f"{FIRST}\n{SECOND}"
HEADERS = [
    "[Verse 1: Ann Odd]",
    "[Chorus]",
    "[Pre-Chorus: Ann Odd & Guest]",
    "[2nd Verse]",
    "[Guitar Solo]",
    "[Instrumental Break]",
    "[Estribillo]",
    "[Couplet 2 : Ann Odd]",
    "[Refrão]",
    "[Strophe 1]",
    "[Ritornello]",
    "[Zwrotka 2]",
    "[Припев]",
    "[Nakarat]",
    "[サビ]",
    "(Chorus)",
    "(Verse 2: Ann Odd)",
    "*Refrain*",
    "Chorus:",
    "Verse 2:",
    "CHORUS",
    "Chorus x2",
    "(Repeat chorus 2x)",
    "Repeat 1",
    "(repeat to fade)",
]


# --- raw -> clean -----------------------------------------------------------------------------------


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_or_a_repeat_goes_with_its_line(header: str) -> None:
    assert clean(f"{FIRST}\n{header}\n{SECOND}").text == SONG
    assert clean(f"{header}\n{SONG}").text == SONG
    assert clean(f"{SONG}\n{header}").text == SONG


@pytest.mark.parametrize(
    ("raw", "expected", "removed"),
    [
        (
            "27 ContributorsTranslationsEspañolPortuguêsKettle Song Lyrics[Verse 1: Ann Odd]\n"
            f"{FIRST}\n\nSee Ann Odd LiveGet tickets as low as $47You might also like[Chorus]\n"
            f"{SECOND}27Embed",
            f"{FIRST}\n\n{SECOND}",
            {
                "contributor line": 1,
                "ticket ad": 1,
                "recommendations": 1,
                "embed trailer": 1,
                "section header": 2,
            },
        ),
        (f"1 ContributorKettle Song Lyrics{SONG}Embed", SONG, {"contributor line": 1, "embed trailer": 1}),
        (f"Kettle Song Lyrics\n{SONG}", SONG, {"title line": 1}),
        (f"{FIRST}\nYou might also like\n{SECOND}", f"{FIRST}\n\n{SECOND}", {"recommendations": 1}),
        (f"{FIRST} (x2)\n{SECOND} [3x]", SONG, {"repeat mark": 2}),
        (
            f"[ar:Ann Odd]\n[length:02:41]\n[00:11.30]{FIRST}\n[00:15.00][01:15]{SECOND}\n[00:26.10]",
            SONG,
            {"LRC tag": 2, "LRC time": 3},
        ),
        (
            "[00:11.00]<00:11.00> the <00:11.40> kettle <00:12.00> hums",
            "the kettle hums",
            {"LRC time": 1},
        ),
        ("<00:11.00>the<00:11.40>kettle<00:12.00>hums", "the kettle hums", {"LRC time": 1}),
        (f"1\n00:00:11,300 --> 00:00:15,000\n{FIRST}\n\n", FIRST, {"subtitle time": 1}),
        (f"<p>{FIRST}<br/>\n<i>{SECOND}</i></p>", SONG, {"HTML tag": 5}),
        ("I don&#x27;t &quot;hum&quot; &amp; haw", 'I don\'t "hum" & haw', {"HTML entity": 4}),
        ("tea &amp;amp; milk", "tea & milk", {"HTML entity": 2}),
        (f"{FIRST}\\n{SECOND}", SONG, {"escaped character": 1}),
        (f"{FIRST}\\r\\n{SECOND}", SONG, {"escaped character": 1}),
        ("I donâ€™t hum", "I don't hum", {"mojibake": 1}),
        ("le cafÃ© d'Ã©tÃ©", "le café d'été", {"mojibake": 1}),
        ("ket\u00adtle\u200b hums\ufeff", "kettle hums", {"invisible character": 3}),
        ("الحــب", "الحب", {"invisible character": 2}),
        ("[Instrumental]", "", {"section header": 1}),
    ],
)
def test_each_kind_is_removed_and_counted(raw: str, expected: str, removed: dict[str, int]) -> None:
    text = clean(raw).text.replace("’", "'")
    assert (text, clean(raw).removed) == (expected, removed)


@pytest.mark.parametrize(
    "sung",
    [
        "sing the chorus with me",
        "Chorus of bells, ring out",
        "a bridge over the harbour",
        "hook me up",
        "(bridge of sighs)",
        "you might also like the rain",
        "You might also like, my dear, the rain",
        "come and see her live",
        "See the harbour Live",
        "count it x2 and wait",
        "I <3 you",
        "5 < 6 and 7 > 6",
        "tea & milk",
        "R&B; and soul",
        "27 contributors gave a coin",
        "read me the lyrics",
        "I embed my heart",
        "meet me at 4:30",
        "repeat the sounding joy",
        "[oh yeah]",
        "¯\\_(ツ)_/¯",
        "می\u200cخواهم",
        "क्\u200dष",
        "👩\u200d🚀",
        "l'été à la mer, ça va",
        "Größe und Maß, ÄÖÜ",
        "Привет, мой друг",
        "さくらの花",
        "  two  spaces\n\n\n\nand blank lines  ",
        "line\r\nline",
    ],
)
def test_what_may_be_sung_stays_as_it_is(sung: str) -> None:
    assert clean(sung) == (sung, {})


# --- properties -------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["kettle", "harbour", "moss", "chorus", "bridge", "live", "lyrics", "été", "мост", "海", "x2", "embed"]
)
LINES = st.lists(WORDS, min_size=2, max_size=6).map(" and ".join)
SONGS = st.lists(LINES, min_size=1, max_size=8).map("\n".join)


@given(SONGS)
def test_a_made_song_stays_as_it_is(song: str) -> None:
    assert clean(song) == (song, {})


@given(SONGS, st.data())
def test_headers_added_anywhere_leave_the_song(song: str, data: st.DataObject) -> None:
    lines = []
    for line in song.split("\n"):
        lines += [*data.draw(st.lists(st.sampled_from(HEADERS), max_size=2)), line]

    assert clean("\n".join(lines)).text == song


@given(SONGS, st.booleans())
def test_times_before_lines_or_words_leave_the_song(song: str, by_word: bool) -> None:
    lines = song.split("\n")
    if by_word:
        lines = [" ".join(f"<00:01.50> {word}" for word in line.split()) for line in lines]

    assert clean("[ti:Moss]\n" + "\n".join(f"[00:01.50]{line}" for line in lines)).text == song


@given(SONGS, st.sampled_from(["\u00ad", "\u200b", "\ufeff", "\u2060"]))
def test_invisible_characters_between_letters_leave_the_song(song: str, character: str) -> None:
    assert clean(character.join(song)).text == song


@given(SONGS)
def test_markup_escapes_and_a_sites_page_leave_the_song(song: str) -> None:
    assert clean(song.replace("\n", "<br>\n")).text == song
    assert clean(song.replace("\n", "\\n")).text == song
    assert clean(f"27 ContributorsMoss Lyrics[Chorus]\n{song} moss27Embed").text == f"{song} moss"


PIECES = st.sampled_from(
    [
        *HEADERS,
        *("Embed", "27", "You might also like", "See Ann Live", " Lyrics", "2 Contributors", "Translations"),
        *("&amp;", "lt;", "<br>", "<", "\\n", "Ã©", "[00:11.30]", "[ar:Moss]", "(x2)", "\u200b", "\u200c"),
        *("moss", " ", "\n", "\r\n"),
    ]
)


@settings(max_examples=300)
@given(st.one_of(st.lists(PIECES, max_size=12).map("".join), st.text()))
def test_cleaning_twice_is_cleaning_once(raw: str) -> None:
    once = clean(raw).text
    assert clean(once) == (once, {})


def test_an_unknown_version_is_refused() -> None:
    assert cleaning.cleaner(None)("[Chorus]") == "[Chorus]"
    assert cleaning.cleaner(cleaning.VERSION)("[Chorus]\nmoss") == "moss"
    with pytest.raises(
        ValueError, match="cleaning: received version 99, but this neuralist has 1; update it"
    ):
        cleaning.cleaner(99)
