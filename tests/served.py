"""A served folder whose every answer is known by hand.

Its encoder (tests.fake_encoder) remembers only the last token it reads, whose embedding is

| token | moss | stone | fern | any other |
|---|---|---|---|---|
| embedding | (0, 0) | (0.5, 0) | (0.5, 0.25) | (-0.5, 0) |

The similarity is exp(-Manhattan distance), the threshold 0.7, and 3 tokens of a text are read. Its catalogue:

| song | 0 | 1 | 2 | 3 | 4 |
|---|---|---|---|---|---|
| artist | Anna | Anna | Björn | Anna feat. Cleo | The Dots |
| title | Moss | Stone | Fern | Moor | Nothing |
| year | 1990 | 2000 | 2010 | unknown | 1995 |
| embedding | (0, 0) | (0.5, 0) | (0.5, 0.25) | (0.1, 0) | (-0.5, 0) |
"""

import math
from pathlib import Path

import numpy as np
import pandas as pd
from tests import fake_encoder, made_records

from neuralist import files
from neuralist.config import records
from neuralist.data import parquet, tables

WORDS = {"moss": (0.0, 0.0), "stone": (0.5, 0.0), "fern": (0.5, 0.25)}
OTHER = (-0.5, 0.0)
THRESHOLD, MAX_TOKENS = 0.7, 3
SONGS = pd.DataFrame(
    [
        ("s0", "Anna", "Moss", 1990, "folk", "s0", None),
        ("s1", "Anna", "Stone", 2000, "folk", "s1", None),
        ("s2", "Björn", "Fern", 2010, "pop", "s2", None),
        ("s3", "Anna feat. Cleo", "Moor", None, "pop", "s3", None),
        ("s4", "The Dots", "Nothing", 1995, "rock", "s4", None),
    ],
    columns=tables.CATALOGUE.names,
).astype({"year": "Int64"})
EMBEDDINGS = np.array([(0, 0), (0.5, 0), (0.5, 0.25), (0.1, 0), (-0.5, 0)], dtype=np.float32)
# Manhattan distances 0.5, 0.75 and 0.25.
MOSS_STONE, MOSS_FERN, STONE_FERN = (round(math.exp(-distance), 6) for distance in (0.5, 0.75, 0.25))


def write(folder: Path) -> Path:
    """Write the folder, and return it."""
    fake_encoder.write(folder, WORDS, OTHER)
    records.save(made_records.trained(settings={"max_tokens": MAX_TOKENS}), folder / "experiment.json")
    records.save(made_records.served(threshold=THRESHOLD), folder / "served.json")
    files.write_text(folder / "training_songs.txt", "s0\n")
    files.write_text(folder / "card.md", "# A model made by hand\n")
    parquet.write(SONGS, tables.CATALOGUE, folder / "catalogue.parquet")
    np.save(folder / "embeddings.npy", EMBEDDINGS)
    return folder
