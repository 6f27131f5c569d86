"""Tables: one schema, read back as written, the same bytes each time, whole or not at all."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuralist import files
from neuralist.data import parquet, tables

PAIR = {
    "left_id": ["a"],
    "right_id": ["b"],
    "similarity": [0.5],
    "lowest": [0.25],
    "highest": [0.75],
    "n_rows": [2],
    "split": ["val"],
}
SONG = {
    "song_id": ["a", "b"],
    "track_ids": [["TR1", "TR2"], []],
    "artist": ["An Artist", None],
    "title": ["A Title", None],
    "year": [1999, None],
    "tags": [["pop"], []],
    "lastfm_tags": [["pop", "80s"], []],
    "lastfm_weights": [[100.0, 54.0], []],
    "genre": ["pop", "other"],
    "language": [None, "en"],
    "lyrics": ["la la", "\U0001f3b5 l\u00e0"],
    "raw_lyrics": ["la la (x2)", "\U0001f3b5 l\u00e0"],
    "n_words": [2, 1],
    "has_list": [True, False],
    "group_id": ["a", "b"],
    "fold": [0, 4],
}


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    parquet.write(pd.DataFrame(SONG), tables.SONGS, tmp_path / "songs.parquet")
    songs = parquet.read(tmp_path / "songs.parquet", tables.SONGS)

    assert list(songs.columns) == tables.SONGS.names
    assert songs["lyrics"].tolist() == SONG["lyrics"]
    assert [list(ids) for ids in songs["track_ids"]] == SONG["track_ids"]
    assert songs["year"].iloc[0] == 1999
    assert pd.isna(songs["year"].iloc[1])
    assert pd.isna(songs["artist"].iloc[1])
    assert songs["has_list"].tolist() == [True, False]


def test_an_unknown_year_leaves_years_integers(tmp_path: Path) -> None:
    parquet.write(pd.DataFrame(SONG), tables.SONGS, tmp_path / "songs.parquet")

    assert parquet.read(tmp_path / "songs.parquet", tables.SONGS)["year"].dtype == pd.Int64Dtype()


@given(st.lists(st.tuples(st.text(), st.text(), st.floats(0, 1)), max_size=20))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_any_rows_survive_the_round_trip(tmp_path: Path, rows: list[tuple[str, str, float]]) -> None:
    encodable = [row for row in rows if all(part.isprintable() for part in row[:2])]
    frame = pd.DataFrame(encodable, columns=["left_id", "right_id", "similarity"]).assign(split="train")
    parquet.write(frame, tables.ROWS, tmp_path / "rows.parquet")
    again = parquet.read(tmp_path / "rows.parquet", tables.ROWS)

    assert [tuple(row[:3]) for row in again.itertuples(index=False)] == encodable


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    frame = pd.DataFrame(PAIR)
    parquet.write(frame, tables.PAIRS, tmp_path / "one.parquet")
    parquet.write(frame.set_index(pd.Index([7])), tables.PAIRS, tmp_path / "two.parquet")

    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_columns_are_stored_in_the_order_of_the_schema(tmp_path: Path) -> None:
    parquet.write(pd.DataFrame(PAIR)[sorted(PAIR)], tables.PAIRS, tmp_path / "pairs.parquet")

    assert list(parquet.read(tmp_path / "pairs.parquet", tables.PAIRS).columns) == tables.PAIRS.names


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame(PAIR).drop(columns="split"), r"columns \['split'\] are missing or unknown"),
        (pd.DataFrame(PAIR).assign(colour="red"), r"columns \['colour'\] are missing or unknown"),
        (pd.DataFrame(PAIR).assign(similarity="high"), r"pairs\.parquet: .*similarity"),
        (pd.DataFrame(PAIR).assign(n_rows=1.5), r"pairs\.parquet: .*n_rows"),
    ],
)
def test_a_frame_against_the_schema_is_refused_and_leaves_no_file(
    tmp_path: Path, frame: pd.DataFrame, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        parquet.write(frame, tables.PAIRS, tmp_path / "pairs.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, b"", b"left_id,right_id\n", b"PAR1 cut short"])
def test_a_missing_or_damaged_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "pairs.parquet"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ValueError, match=r"pairs\.parquet: not a readable parquet table.*dvc repro"):
        parquet.read(path, tables.PAIRS)


def test_another_table_is_refused(tmp_path: Path) -> None:
    parquet.write(pd.DataFrame(PAIR), tables.PAIRS, tmp_path / "pairs.parquet")

    with pytest.raises(ValueError, match=r"pairs\.parquet: columns .* expected"):
        parquet.read(tmp_path / "pairs.parquet", tables.ROWS)


def test_a_write_that_fails_leaves_the_former_file(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    files.write_text(path, "former")

    with pytest.raises(KeyboardInterrupt), files.unfinished(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "former"
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_utf8_and_folders_are_made(tmp_path: Path) -> None:
    files.write_text(tmp_path / "a" / "b.txt", "\u00e9\n")

    assert (tmp_path / "a" / "b.txt").read_bytes() == b"\xc3\xa9\n"


def test_similarities_are_stored_exactly(tmp_path: Path) -> None:
    exact = np.nextafter(0.5, 1)
    parquet.write(pd.DataFrame(PAIR).assign(similarity=exact), tables.PAIRS, tmp_path / "pairs.parquet")

    assert parquet.read(tmp_path / "pairs.parquet", tables.PAIRS)["similarity"].iloc[0] == exact
    assert tables.PAIRS.field("similarity").type == pa.float64()


def test_categories_are_written_as_what_they_stand_for(tmp_path: Path) -> None:
    plain = pd.DataFrame(
        {"source_id": ["b", "a", "b"], "target_id": "a", "similarity": 0.5, "split": [None, "val", None]}
    ).astype({"split": "str"})
    coded = plain.astype({"source_id": "category", "target_id": "category", "split": "category"})
    parquet.write(plain, tables.LISTED, tmp_path / "plain.parquet")
    parquet.write(coded, tables.LISTED, tmp_path / "coded.parquet")

    assert (tmp_path / "plain.parquet").read_bytes() == (tmp_path / "coded.parquet").read_bytes()


def test_what_is_made_ahead_comes_in_order_and_fails_where_it_is_awaited() -> None:
    def pieces() -> Iterator[int]:
        yield from (1, 2)
        raise ValueError("no third")

    found = []
    with pytest.raises(ValueError, match="no third"):
        found.extend(parquet.ahead(pieces()))
    assert found == [1, 2]
