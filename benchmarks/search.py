"""Neighbours among as many songs as Last.fm lists: exact and approximate, beside faiss alone and numpy.

584,897 made embeddings of 50 numbers, see `made.embeddings`, in a catalogue of made names. Queries are of the
same kind, and not in the catalogue. Memory is that of another process, which reads the catalogue from disk.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from benchmarks import figures, made
from benchmarks.figures import Figure, Missing, Peer
from neuralist.data import parquet, tables
from neuralist.model.similarity import Similarity
from neuralist.serving.catalogue import Catalogue

SONGS, ARTISTS, QUERIES, K = 584_897, 44_745, 1000, 10
ROUNDS, SINGLE = 7, 30  # single queries of a round
MANHATTAN = Similarity("manhattan")


def measure(_: argparse.Namespace) -> Iterator[Figure | Missing]:
    """All figures of the search."""
    made_up = made.embeddings(SONGS + QUERIES)
    catalogue = Catalogue(_songs(), made_up[:SONGS], MANHATTAN)
    queries = made_up[SONGS:]
    yield from _exact(catalogue, queries)
    yield from _approximate(catalogue, queries, "")
    even = made.uniform(SONGS + QUERIES)
    yield from _approximate(
        Catalogue(_songs(), even[:SONGS], MANHATTAN), even[SONGS:], " of uniform embeddings"
    )
    yield from _memory(catalogue)


def _exact(catalogue: Catalogue, queries: np.ndarray) -> Iterator[Figure]:
    import faiss

    embeddings = catalogue.embeddings

    def alone(asked: np.ndarray) -> None:
        faiss.knn(asked, embeddings, K, metric=faiss.METRIC_L1)

    def numpys(asked: np.ndarray) -> None:
        for query in asked:
            distances = np.abs(embeddings - query).sum(axis=1)
            nearest = np.argpartition(distances, K)[:K]
            nearest[np.argsort(distances[nearest])]

    found = figures.in_turn(
        ROUNDS,
        _singly(lambda query: catalogue.nearest(query, K), queries),
        _singly(alone, queries),
        _singly(numpys, queries[:3]),
        _singly(lambda query: catalogue.nearest(query, K, exclude_artist="Artist 7", min_year=1980), queries),
    )
    yield Figure("exact, one query", found[0], "ms", "ratio < 1.1", Peer("faiss-cpu alone", found[1]))
    yield Figure("exact, one query, beside numpy", found[0], "ms", None, Peer("numpy", found[2]))
    yield Figure("exact, one query, without an artist and from 1980", found[3], "ms")
    found = figures.in_turn(
        ROUNDS // 2,
        lambda: figures.seconds(lambda: catalogue.nearest(queries, K)),
        lambda: figures.seconds(lambda: alone(queries)),
    )
    alone_too = Peer("faiss-cpu alone", found[1])
    yield Figure(f"exact, {QUERIES:,} queries", found[0], "s", "ratio < 1.0", alone_too)


def _approximate(catalogue: Catalogue, queries: np.ndarray, of: str) -> Iterator[Figure]:
    first = figures.seconds(lambda: catalogue.nearest(queries[:1], K, approximate=True))
    exact, near = (catalogue.nearest(queries, K, approximate=approximate) for approximate in (False, True))
    recall = len(exact.merge(near, on=["query", "song_id"])) / len(exact)
    [times] = figures.in_turn(
        ROUNDS, _singly(lambda query: catalogue.nearest(query, K, approximate=True), queries)
    )
    made_as_real = not of
    yield Figure(f"approximate, one query{of}", times, "ms", "< 1" if made_as_real else None)
    yield Figure(f"its recall of {K}{of}", [recall], "share", ">= 0.99" if made_as_real else None)
    if made_as_real:
        yield Figure("its preparation, once", [first], "s")


def _singly(ask: Callable[[np.ndarray], object], queries: np.ndarray) -> Callable[[], float]:
    """Milliseconds a query, one after the other."""
    asked = queries[:SINGLE]
    rows = [asked[row : row + 1] for row in range(len(asked))]
    return lambda: 1000 * figures.seconds(lambda: [ask(query) for query in rows]) / len(rows)


def _memory(catalogue: Catalogue) -> Iterator[Figure]:
    with TemporaryDirectory() as folder:
        parquet.write(_songs(), tables.CATALOGUE, Path(folder, "catalogue.parquet"))
        np.save(Path(folder, "embeddings.npy"), catalogue.embeddings)
        for search in ("exact", "approximate"):
            code = f"from benchmarks import search; search.tell_memory({folder!r}, {search!r})"
            told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            of_search, whole = map(float, told.stdout.split())
            yield Figure(f"memory of embeddings and search, {search}", [of_search], "MB", "< 400")
            yield Figure(f"memory of the whole process, {search}", [whole], "MB")


def tell_memory(folder: str, search: str) -> None:
    """Print what embeddings and search add to a process that has read the songs, and all it has then."""
    import faiss  # noqa: F401 - it is imported when the first query comes

    songs = parquet.read(Path(folder, "catalogue.parquet"), tables.CATALOGUE)
    before = figures.resident(os.getpid())
    catalogue = Catalogue(songs, np.load(Path(folder, "embeddings.npy")), MANHATTAN)
    catalogue.nearest(catalogue.embeddings[:1], K, approximate=search == "approximate")
    whole = figures.resident(os.getpid())
    print(whole - before, whole)


def _songs() -> pd.DataFrame:
    draw = np.random.default_rng(0)
    numbers = np.arange(SONGS)
    years = pd.array(draw.integers(1950, 2012, size=SONGS), dtype="Int64")
    years[draw.random(SONGS) < 0.5] = pd.NA
    columns = {
        "song_id": pd.Series(numbers).map("TR{:016X}".format),
        "artist": pd.Series(draw.integers(ARTISTS, size=SONGS)).map("Artist {}".format),
        "title": pd.Series(numbers).map("Title {}".format),
        "year": years,
        "genre": "rock",
        "language": pd.Series(numbers % 10).map(lambda digit: "en" if digit else "fr"),
    }
    return pd.DataFrame(
        columns | {"group_id": columns["song_id"], "first_words": None, "tags": None, "tag_weights": None}
    )
