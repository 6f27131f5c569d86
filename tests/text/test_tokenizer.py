"""Elided words are words of their own, and ICU cuts scripts that are written without spaces."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.settings import experiment

from neuralist.text import segmentation
from neuralist.text.tokenizer import TokenWindowing, word_lines, words

# In ICU's dictionaries, where the cuts are beyond doubt.
CHINESE = "我爱北京天安门"  # I love Beijing's Tiananmen
UNSPACED = "我爱北京天安门君の名は希望ラーメンสวัสดีครับฉันรักเธอຂ້ອຍຮັກເຈົ້າខ្ញុំស្រលាញ់អ្នកချစ်တယ်မင်းကို"
ENGLISH = """
don't i'm i'll it's that's o'clock let's c'mon c'mere ne'er o'er ol'e rock'n rock'n'roll nothin'at
y'all y'all'd've who'd've d'you d'ya d'y'know d'jever d'oh t'was t'aint t'ain't
l'il ma'am m'am n'em s'all s'alright
"""
# With spaces, letters and marks of other scripts, and what folding changes, between the runs.
MIXED = st.text(st.sampled_from(UNSPACED + "ab'1 é\u0301,\nｱﾞー½"), max_size=25)


# --- elisions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("L’amour, l'homme et l'été", ["l", "amour", "l", "homme", "et", "l", "été"]),
        ("j'ai d'abord qu'on s'aime", ["j", "ai", "d", "abord", "qu", "on", "s", "aime"]),
        ("jusqu'à lorsqu'elle puisqu'il", ["jusqu", "à", "lorsqu", "elle", "puisqu", "il"]),
        ("C'est n'importe, ç'a été", ["c", "est", "n", "importe", "ç", "a", "été"]),
        ("j'y vais, l'y d'Yves", ["j", "y", "vais", "l", "y", "d", "yves"]),
        ("l'œuvre l'\u0153il 'l'eau'", ["l", "œuvre", "l", "œil", "l", "eau"]),
        ("dell'amore un'altra c'è all'alba", ["dell", "amore", "un", "altra", "c", "è", "all", "alba"]),
        ("d'un'ora qu'un'altra", ["d", "un", "ora", "qu", "un", "altra"]),
        ("l'amor de l'home", ["l", "amor", "de", "l", "home"]),
    ],
)
def test_an_elided_word_is_a_word_of_its_own(text: str, expected: list[str]) -> None:
    assert words(text) == expected
    assert word_lines(text) == [expected]


def test_words_that_a_dictionary_lists_as_one_stay_whole() -> None:
    assert words("aujourd'hui quelqu'un presqu'île") == ["aujourd'hui", "quelqu'un", "presqu'île"]
    assert words("d'aujourd'hui") == ["d", "aujourd'hui"]


def test_before_a_consonant_an_apostrophe_stays_inside() -> None:
    assert words("j'suis l'chaim s'posed") == ["j'suis", "l'chaim", "s'posed"]


@pytest.mark.parametrize("word", ENGLISH.split())
def test_english_contractions_stay_whole(word: str) -> None:
    assert words(word) == [word]
    assert words(f"né {word}") == ["né", word]  # not ASCII, which is split in another way


@given(st.text(st.sampled_from("aehlydqunoj' é\n1"), max_size=12))
def test_elision_loses_no_letter_and_nothing_is_left_to_split(text: str) -> None:
    found = words(text)
    letters = [character for character in text if character.isalnum()]
    assert [letter for word in found for letter in word if letter != "'"] == letters
    assert words(" ".join(found)) == found
    assert [word for line in word_lines(text) for word in line] == found


@given(st.text(st.sampled_from("aehlydqun' "), max_size=14), st.integers(1, 4))
def test_excerpts_end_where_an_elided_word_does(text: str, most: int) -> None:
    read = words(text)
    assert words(TokenWindowing("word", most, "head").excerpt(text)) == read[:most]
    assert words(TokenWindowing("word", most, "tail").excerpt(text)) == read[-most:]


def test_an_excerpt_may_end_inside_what_is_written_as_one_word() -> None:
    assert TokenWindowing("word", 3, "head").excerpt("Viens, l'amour, l'amour") == "Viens, l'amour, "
    assert TokenWindowing("word", 2, "head").excerpt("Viens, l'amour") == "Viens, l'"
    assert TokenWindowing("word", 1, "tail").excerpt("Viens, l'amour!") == "'amour!"


# --- scripts without spaces ----------------------------------------------------------------------------


def test_a_text_is_unspaced_where_it_holds_a_letter_of_such_a_script() -> None:
    assert all(map(segmentation.is_unspaced, ["oh 夜", "ひ", "カ", "ｶ", "ไทย", "ລາວ", "ខ្មែរ", "မြန်မာ"]))
    assert not any(map(segmentation.is_unspaced, ["", "night", "ночь", "한국어", "हिन्दी", "ー、。", "٣"]))


def test_without_a_segmenter_a_run_is_a_word_and_icu_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "icu4py.breakers", None)
    assert words(f"{CHINESE} oh สวัสดีครับ") == [CHINESE, "oh", "สวัสดีครับ"]
    assert TokenWindowing.of(experiment()).segmenter is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CHINESE, ["我", "爱", "北京", "天安门"]),
        ("ラーメン、君の名", ["ラーメン", "君", "の", "名"]),
        ("สวัสดีครับ", ["สวัสดี", "ครับ"]),
        ("ຂ້ອຍຮັກເຈົ້າ", ["ຂ້ອຍ", "ຮັກ", "ເຈົ້າ"]),
        ("ខ្ញុំស្រលាញ់អ្នក", ["ខ្ញុំ", "ស្រលាញ់", "អ្នក"]),
        ("မင်းကို", ["မင်း", "ကို"]),
        ("Love北京 don't", ["love", "北京", "don't"]),
        ("北京's 24時", ["北京", "s", "24", "時"]),
        ("한국어 ночь l'amour", ["한국어", "ночь", "l", "amour"]),
        ("ﾗｰﾒﾝ", ["ラーメン"]),
        ("", []),
    ],
)
def test_icu_cuts_runs_into_words_and_nothing_else(text: str, expected: list[str]) -> None:
    pytest.importorskip("icu4py")
    assert words(text, "icu") == expected
    assert word_lines(text, "icu") == ([expected] if expected else [])


@given(MIXED)
def test_cutting_loses_no_letter(text: str) -> None:
    pytest.importorskip("icu4py")
    whole, cut = words(text), words(text, "icu")
    assert "".join(cut).replace("'", "") == "".join(whole).replace("'", "")
    assert all(cut)
    assert [word for line in word_lines(text, "icu") for word in line] == cut


@given(st.lists(st.sampled_from(["北京", "天安门", "ラーメン", "สวัสดี", "ครับ", "l'amour", "oh"]), max_size=8))
def test_words_with_spaces_between_them_are_not_cut_further(known: list[str]) -> None:
    pytest.importorskip("icu4py")
    found = words(" ".join(known), "icu")
    assert found == words(" ".join(known))
    assert words(" ".join(found), "icu") == found


def test_threads_that_cut_side_by_side_get_the_same_words() -> None:
    pytest.importorskip("icu4py")
    texts = [CHINESE * n + "สวัสดีครับ" * (n % 3) for n in range(1, 40)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda text: words(text, "icu"), texts * 5)) == [
            words(text, "icu") for text in texts * 5
        ]


def test_an_excerpt_ends_between_the_words_of_a_run() -> None:
    pytest.importorskip("icu4py")
    head, tail = (TokenWindowing("word", 2, part, segmenter="icu") for part in ("head", "tail"))
    assert head.excerpt(f"{CHINESE}!") == "我爱"
    assert tail.excerpt(f"{CHINESE}!") == "北京天安门!"
    assert head.excerpt(f"Oh,\n{CHINESE}") == "Oh,\n我"
    assert tail.excerpt(f"{CHINESE}\nOh") == "天安门\nOh"


@given(MIXED | st.text(st.sampled_from("ปไหนมวสดีคน เ"), max_size=12), st.integers(1, 6))
def test_what_is_read_of_a_run_is_cut_as_in_the_whole_text(text: str, most: int) -> None:
    # Not each beginning of a Thai run is: ICU looks three words ahead.
    pytest.importorskip("icu4py")
    tokens = words(text, "icu")
    head = TokenWindowing("word", most, "head", segmenter="icu").excerpt(text)
    tail = TokenWindowing("word", most, "tail", segmenter="icu").excerpt(text)
    read_head, read_tail = words(head, "icu"), words(tail, "icu")
    assert text.startswith(head)
    assert text.endswith(tail)
    assert read_head == tokens[: len(read_head)]
    assert read_tail == tokens[len(tokens) - len(read_tail) :]
    assert max(len(read_head), len(read_tail)) <= most


def test_a_missing_icu4py_is_named_when_a_windowing_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "icu4py.breakers", None)
    with pytest.raises(ValueError, match=r"icu4py, which is missing .*pip install 'neuralist\[icu\]'$"):
        TokenWindowing.of(experiment(), "icu")
    with pytest.raises(ValueError, match="extra `icu`"):
        words(CHINESE, "icu")
