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
| tags | folk, quiet | folk | pop | none | rock, quiet |
| language | en | en | sv | ? | de |

Its blend knows what to do with a year, with tags and with both: the log-odds of a score are those of the
similarity, an eighth less for each year between, and four times the cosine of the tags more. Without a year a
song counts as 8 years away, without tags as of cosine 0.25. On val an artist brings no gain; all other sets
of facts have too few pairs.
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
        ("s0", "Anna", "Moss", 1990, "folk", "en", "s0", None, ["folk", "quiet"], [1.0, 1.0]),
        ("s1", "Anna", "Stone", 2000, "folk", "en", "s1", None, ["folk"], [1.0]),
        ("s2", "Björn", "Fern", 2010, "pop", "sv", "s2", None, ["pop"], [1.0]),
        ("s3", "Anna feat. Cleo", "Moor", None, "pop", "?", "s3", None, [], []),
        ("s4", "The Dots", "Nothing", 1995, "rock", "de", "s4", None, ["rock", "quiet"], [1.0, 1.0]),
    ],
    columns=tables.CATALOGUE.names,
).astype({"year": "Int64"})
EMBEDDINGS = np.array([(0, 0), (0.5, 0), (0.5, 0.25), (0.1, 0), (-0.5, 0)], dtype=np.float32)
YEAR_WEIGHT, TAGS_WEIGHT, AVERAGE_YEAR, AVERAGE_TAGS = 0.125, 4.0, -8.0, 0.25


def _part(facts: tuple[records.Fact, ...], weights: tuple[float, ...], *, shown: bool) -> records.BlendPart:
    average = {"artist": 0.0, "year": AVERAGE_YEAR, "tags": AVERAGE_TAGS}
    values = {"listed_auc": 0.5, "ndcg_at_10": 0.25}
    return records.BlendPart(
        facts=facts,
        intercept=0.0,
        lyrics=1.0,
        weights=weights,
        average=tuple(average[fact] for fact in facts),
        alone=values,
        blended=values,
        shown=shown,
    )


BLEND = records.BlendRecord(
    n_pairs=100,
    is_listed=True,
    parts=(
        _part(("artist",), (2.0,), shown=False),
        _part(("year",), (YEAR_WEIGHT,), shown=True),
        _part(("tags",), (TAGS_WEIGHT,), shown=True),
        _part(("year", "tags"), (YEAR_WEIGHT, TAGS_WEIGHT), shown=True),
    ),
    genres={"folk": "folk", "pop": "pop", "rock": "rock"},
)
# Manhattan distances 0.5, 0.75 and 0.25.
MOSS_STONE, MOSS_FERN, STONE_FERN = (round(math.exp(-distance), 6) for distance in (0.5, 0.75, 0.25))


def write(folder: Path, n_songs: int = len(SONGS)) -> Path:
    """Write the folder, and return it.

    Args:
        folder: it is made.
        n_songs: of the catalogue; more than 5 are these again and again, a little apart, of further ids.
    """
    fake_encoder.write(folder, WORDS, OTHER)
    records.save(made_records.trained(settings={"max_tokens": MAX_TOKENS}), folder / "experiment.json")
    records.save(made_records.served(threshold=THRESHOLD), folder / "served.json")
    records.save(BLEND, folder / records.BLEND)
    files.write_text(folder / "training_songs.txt", "s0\n")
    files.write_text(folder / "card.md", "# A model made by hand\n")
    rows = np.arange(n_songs) % len(SONGS)
    songs = SONGS.take(rows).reset_index(drop=True)
    songs["song_id"] = songs["group_id"] = [f"s{number}" for number in range(n_songs)]
    parquet.write(songs, tables.CATALOGUE, folder / "catalogue.parquet")
    # Apart, for among ties every song is compared.
    apart = np.arange(n_songs, dtype=np.float32) // len(SONGS) / 2**20
    np.save(folder / "embeddings.npy", EMBEDDINGS[rows] + apart[:, None])
    return folder
