"""The songs that `neuralist drift` compares: of tables, of a songs.parquet and of raw folders."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests import raw, trained
from tests.settings import SHIPPED

from neuralist.cli import new_songs
from neuralist.config import params
from neuralist.data import parquet, tables

SETTINGS = params.load(SHIPPED)


def read(source: Path, text_column: str = "text", most: int = 20_000) -> new_songs.NewSongs:
    choices = SETTINGS.drift.model_copy(update={"most": most})
    return new_songs.read(source, SETTINGS.model_copy(update={"drift": choices}), str.strip, text_column)


def facts(songs: new_songs.NewSongs) -> list[tuple[Any, ...]]:
    return [tuple(None if value is pd.NA else value for value in row) for row in songs.facts.to_numpy()]


def test_a_table_has_texts_and_perhaps_years_languages_and_tags(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text('Text,Year,tags,Language\n" rain ",1999,folk; quiet|,en\nsnow,,,\n')
    songs = read(path)

    assert songs.texts == ["rain", "snow"]
    assert facts(songs) == [(1999, "en", ["folk", "quiet"]), (None, "?", [])]


def test_texts_alone_are_enough_under_any_name(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("words\nrain\n")

    assert facts(read(path, "words")) == [(None, "?", [])]
    with pytest.raises(ValueError, match=r"columns \['text'\] are missing; .*; --text-column takes another"):
        read(path)


def test_a_language_that_is_no_code_is_detected(tmp_path: Path) -> None:
    french = (
        "Nous marchions le long de la rivière le soir et les lampes de la ville brillaient sur la mer d'été"
    )
    path = tmp_path / "new.csv"
    path.write_text(f"text,language\n{french},\n{french},French\n{french},DE\nrain,English\n")

    # As of the training songs: what is detected counts, and a code only where nothing is.
    assert read(path).facts["language"].tolist() == ["fr", "fr", "fr", "?"]


def test_parquet_may_hold_tags_as_lists(tmp_path: Path) -> None:
    path = tmp_path / "new.parquet"
    pq.write_table(pa.table({"text": ["rain"], "tags": [["folk", "quiet"]], "year": [1999]}), path)

    assert facts(read(path)) == [(1999, "?", ["folk", "quiet"])]


def test_a_table_of_pairs_has_each_of_its_texts_once(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("lyrics_a,lyrics_b\nrain,snow\nrain,hail\n")

    assert sorted(read(path).texts) == ["hail", "rain", "snow"]


def test_songs_parquet_is_read_as_the_pipeline_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "songs.parquet"
    table = trained.songs({"a": "rain", "b": "snow", "c": "hail"})
    table["tags"] = [["folk"], [], []]
    parquet.write(table, tables.SONGS, path)
    songs = read(path)

    assert songs.texts == ["rain", "snow", "hail"]
    assert songs.facts["year"].tolist()[:2] == [2000, 2001]
    assert songs.facts["language"].tolist() == ["en"] * 3
    assert [list(tags) for tags in songs.facts["tags"]] == [["folk"], [], []]
    # Some of its rows, as pandas writes them: with an index.
    pd.read_parquet(path).loc[[2, 0]].to_parquet(path)
    assert read(path).texts == ["hail", "rain"]


def test_a_raw_folder_is_read_as_the_songs_stage_does(tmp_path: Path) -> None:
    texts = [["a", raw.lyrics("rain")], ["b", raw.lyrics("snow")], ["c", "..."]]
    raw.texts(tmp_path, texts)
    raw.pairs(tmp_path, [["a", "b", "0.5"]], "left_id,right_id,similarity")

    assert len(read(tmp_path).texts) == 2


def test_a_folder_of_texts_alone_is_enough(tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text("id,text,year\na,rain,1999\nb,snow,\n")
    songs = read(tmp_path)

    assert (songs.texts, facts(songs)) == (["rain", "snow"], [(1999, "?", []), (None, "?", [])])


def test_texts_without_words_and_malformed_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("text,year\nrain,1999\n...,2000\nsnow\nhail,2001\n")
    songs = read(path)

    assert (songs.texts, songs.n_given, songs.n_unusable) == (["rain", "hail"], 4, 2)
    assert songs.facts["year"].tolist() == [1999, 2001]


def test_without_any_word_there_is_nothing_to_compare(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("text\n...\n")

    with pytest.raises(ValueError, match="no text with a word among 1; give a table of lyrics"):
        read(path)


def test_of_many_songs_some_are_drawn_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_songs, "ROWS", 90)
    path = tmp_path / "new.csv"
    path.write_text("text,year\n" + "".join(f"song{number},{1000 + number}\n" for number in range(1000)))
    songs = read(path, most=100)
    years = songs.facts["year"].tolist()

    assert (len(songs.texts), songs.n_given) == (100, 1000)
    assert years == sorted(set(years))
    assert songs.texts == [f"song{year - 1000}" for year in years]
    # Drawn from all of the file: the mean of 100 of 0 to 999 is 499.5 with a standard error of 27.
    assert sum(years) / 100 - 1000 == pytest.approx(499.5, abs=110)
    assert read(path, most=100).texts == songs.texts
