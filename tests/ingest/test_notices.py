import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import raw

from neuralist.config import params
from neuralist.ingest import lyrics_check

NOTICES = params.read_yaml(lyrics_check.NOTICES)
WHOLE = [text for texts in NOTICES["whole"].values() for text in texts]
PHRASES = [text for texts in NOTICES["phrases"].values() for text in texts]
SUNG = raw.lyrics("sea")


def reasons(*texts: str) -> list[str]:
    """The reasons of rejected texts; a song stands beside them."""
    rows = [(text, None, None, text) for text in (*texts, SUNG)]
    records = pd.DataFrame(rows, columns=["id", "artist", "title", "lyrics"]).assign(where="here")
    _, rejects = lyrics_check.usable(records, "texts", ("no words today",))
    return rejects["reason"].tolist()


@pytest.mark.parametrize(
    "notice",
    [
        "[Instrumental]",
        "(Instrumental)",
        "Instrumental",
        "This song is an instrumental.",
        "nan",
        "None",
        "NULL",
        "N/A",
        "Lyrics not found",
        "Error: Could not find lyrics.",
        "Moss LyricsLyrics for this song have yet to be released. Please check back.1Embed",
        "We don&#x27;t have any lyrics for this song yet.",
        "Kettle on the fire\n...\n******* This Lyrics is NOT for Commercial use *******\n(1409622)",
        "You caught us, we're still working on getting lyrics for this one.",
        "Hmm. We don't know the lyrics for this one.",
        "You'll have to guess the lyrics for this one.",
        "Couldn't load the lyrics for this song. Try again later.",
        "Letra no disponible",
        "Paroles non disponibles.",
        "Dieser Song ist ein Instrumental.",
        "Текст песни не найден",
        "Şarkı sözü bulunamadı",
        "この曲の歌詞はありません",
        "가사를 찾을 수 없습니다",
        "纯音乐,请欣赏",
        "暂时没有歌词,求歌词",
        "此歌曲暂无歌词,请您欣赏",
        "No words today!",
    ],
)
def test_a_notice_is_rejected(notice: str) -> None:
    assert reasons(notice) == ["wrong lyrics: a notice in their place"]


@given(st.sampled_from([*WHOLE, *PHRASES]), st.sampled_from(["{}", "<b>{}!</b>", "[Verse]\n{}"]))
def test_each_listed_notice_is_rejected_with_debris_too(notice: str, form: str) -> None:
    assert reasons(form.format(notice)) == ["wrong lyrics: a notice in their place"]


@given(st.sampled_from([*WHOLE, *PHRASES]))
def test_a_song_of_many_words_that_sings_a_notice_stays(notice: str) -> None:
    words = " ".join(f"kettle{number}" for number in range(70))
    assert reasons(f"{words}\n{notice}\n{words}") == []


@pytest.mark.parametrize(
    "song", ["none of us will go home", "an instrumental heart", "na na na na", "null and void"]
)
def test_a_short_song_that_sings_such_a_word_stays(song: str) -> None:
    assert reasons(song) == []


def test_lyrics_are_cleaned_counted_and_kept_as_they_came() -> None:
    rows = [("a", None, None, f"[Chorus]\n{SUNG} (x2)"), ("b", None, None, "[00:11.30]")]
    records = pd.DataFrame(rows, columns=["id", "artist", "title", "lyrics"]).assign(where="here")
    kept, rejects = lyrics_check.usable(records, "texts", ())

    assert kept[["lyrics", "raw_lyrics"]].to_numpy().tolist() == [[SUNG, f"[Chorus]\n{SUNG} (x2)"]]
    assert kept["removed"].tolist() == [{"section header": 1, "repeat mark": 1}]
    assert rejects["reason"].tolist() == ["lyrics without a word"]
