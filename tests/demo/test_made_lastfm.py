"""The made corpus of Last.fm's form: as many tracks and listings as asked for, and all of them used."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from benchmarks import made_lastfm
from tests import raw

from neuralist.ingest import songs
from neuralist.ingest.sources import formats


def test_a_made_corpus_has_the_official_numbers_by_scale_and_loses_nothing(tmp_path: Path) -> None:
    made_lastfm.write(tmp_path / "made", 0.002)
    with closing(sqlite3.connect(tmp_path / "made" / "msd" / "lastfm_similars.db")) as database:
        lists = dict(database.execute("select tid, target from similars_src"))
    lengths = [len(text.split(",")) // 2 for text in lists.values()]
    targets = [(track, target) for track, text in lists.items() for target in text.split(",")[::2]]
    assert (len(lists), len(targets), len(set(targets))) == (1170, 113_013, 113_013)
    assert max(lengths) > 2 * sum(lengths) / len(lengths)  # skewed
    assert all(track != target for track, target in targets)
    made = songs.build(formats.read(tmp_path / "made", (0, 1)), raw.CHOICES)
    assert len(made.listed) == 113_013
    assert made.counts["tracks"] == 2000
    assert made.songs["has_list"].all()


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="exists already"):
        made_lastfm.write(tmp_path, 0.001)
