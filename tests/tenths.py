"""A served folder for the command line, with what `tests.served` lacks: quantiles, odd names, full facts.

The embeddings of the words zero, one, ... seven are 0.0, 0.1, ... 0.7 (tests.fake_encoder), so that texts
ending in "one" and "three" have the similarity exp(-0.2).
"""

from pathlib import Path

import numpy as np
import pandas as pd
from tests import fake_encoder, made_records

from neuralist.config import records
from neuralist.data import parquet, tables

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven")
# artist, title, year, and the embedding in tenths
SONGS: list[tuple[str, str, int | None, int]] = [
    ("The Example", "Lanterns", 2015, 0),
    ("The Example", "More Lanterns", 2014, 1),
    ("Café Nord", "Rain", 1999, 2),
    ("Moss", "[bold]Loud[/] & <b>Proud</b>", None, 4),
    ("🎵 Fern", "\x1b[31mRed\x1b[0m :smile:", 1980, 7),
]


def write(folder: Path) -> Path:
    """Write the folder; the similarities of all pairs of its catalogue are spread evenly over [0, 1]."""
    embeddings = {word: (tenths / 10,) for tenths, word in enumerate(WORDS)}
    fake_encoder.write(folder, embeddings, unknown=(0.0,))
    records.save(made_records.trained("tiny", {"max_tokens": 50}), folder / "experiment.json")
    served = made_records.served(experiment="tiny", threshold=0.8, lags=["tfidf"])
    records.save(served, folder / "served.json")
    catalogue = pd.DataFrame(
        {
            "song_id": [f"s{number}" for number in range(len(SONGS))],
            "artist": [song[0] for song in SONGS],
            "title": [song[1] for song in SONGS],
            "year": pd.array([song[2] for song in SONGS], dtype="Int64"),
            "genre": "rock",
            "language": "en",
            "group_id": [f"s{number}" for number in range(len(SONGS))],
            "first_words": None,
            "tags": [[]] * len(SONGS),
            "tag_weights": [[]] * len(SONGS),
        }
    )
    parquet.write(catalogue, tables.CATALOGUE, folder / "catalogue.parquet")
    records.save(records.BlendRecord(n_pairs=0, is_listed=False, parts=(), genres={}), folder / records.BLEND)
    np.save(folder / "embeddings.npy", np.array([[song[3] / 10] for song in SONGS], dtype=np.float32))
    return folder
