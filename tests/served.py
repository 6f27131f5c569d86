"""A served folder whose every answer is known by hand.

Its encoder remembers only the last token it reads: input, cell and output gates stay open, the forget gate
shut, so that the embedding is tanh(tanh(x)) of that token's vector x. Each x is chosen for a round embedding:

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
from tests import made_records

from neuralist import files
from neuralist.config import records
from neuralist.data import parquet, tables
from neuralist.model import onnx_export
from neuralist.model.onnx_export import LSTM, Weights
from neuralist.text.vocabulary import Vocabulary

WORDS = {"moss": (0.0, 0.0), "stone": (0.5, 0.0), "fern": (0.5, 0.25)}
OTHER = (-0.5, 0.0)
THRESHOLD, MAX_TOKENS = 0.7, 3
SONGS = pd.DataFrame(
    [
        ("s0", "Anna", "Moss", 1990, "folk"),
        ("s1", "Anna", "Stone", 2000, "folk"),
        ("s2", "Björn", "Fern", 2010, "pop"),
        ("s3", "Anna feat. Cleo", "Moor", None, "pop"),
        ("s4", "The Dots", "Nothing", 1995, "rock"),
    ],
    columns=tables.CATALOGUE.names,
).astype({"year": "Int64"})
EMBEDDINGS = np.array([(0, 0), (0.5, 0), (0.5, 0.25), (0.1, 0), (-0.5, 0)], dtype=np.float32)
# Manhattan distances 0.5, 0.75 and 0.25.
MOSS_STONE, MOSS_FERN, STONE_FERN = (round(math.exp(-distance), 6) for distance in (0.5, 0.75, 0.25))


def write(folder: Path) -> Path:
    """Write the folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    embeddings = np.array([(0, 0), OTHER, *WORDS.values()])  # padding first
    shut, open_, through = -30 * np.ones(2), 30 * np.ones(2), np.zeros(2)
    lstm = LSTM(
        kernel=np.hstack([np.zeros((2, 6)), np.eye(2)]).astype(np.float32),
        bias=np.concatenate([open_, shut, open_, through]).astype(np.float32),
        recurrent=np.zeros((2, 8), dtype=np.float32),
    )
    vectors = np.arctanh(np.arctanh(embeddings)).astype(np.float32)
    onnx_export.export(Weights(vectors, lstm), folder / "encoder.onnx")
    Vocabulary(WORDS).save(folder / "vocabulary.txt")
    records.save(made_records.trained(settings={"max_tokens": MAX_TOKENS}), folder / "experiment.json")
    records.save(made_records.served(threshold=THRESHOLD), folder / "served.json")
    files.write_text(folder / "training_songs.txt", "s0\n")
    files.write_text(folder / "card.md", "# A model made by hand\n")
    parquet.write(SONGS, tables.CATALOGUE, folder / "catalogue.parquet")
    np.save(folder / "embeddings.npy", EMBEDDINGS)
    return folder
