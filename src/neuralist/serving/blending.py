"""Learn on val how a query's artist, year and tags take part in the ranking of songs, and whether they do.

Input: tables songs and pairs, and the encoder's similarity of songs. Output: a `BlendRecord`, with a
weighing (`model.blend`) for each set of facts that a query may have, and how much better than lyrics alone it
ranks songs that nothing was learned from.

Judged are the listed songs' ranks, by listed AUC and nDCG@10; without lists, the similarities, by their mean
squared error and Spearman's correlation. A set that is not better by both is not used.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from neuralist import metrics
from neuralist.config.experiment import Protocol
from neuralist.config.records import BlendPart, BlendRecord, Fact
from neuralist.data import pair_sets
from neuralist.data.splits import songs_of
from neuralist.evaluation import comparison, ranking
from neuralist.model import blend
from neuralist.model.blend import FACTS, Songs, Tags, Weighing
from neuralist.model.similarity import sigmoid
from neuralist.serving.facts import artist_numbers

MIN_PAIRS = 100  # below, nothing is learned; as for TF-IDF in model.fusion
# Of more val songs a sample is drawn: half a million pairs fix five weights, and take seconds.
MAX_SONGS = 1000
FOLDS, SEED = 5, 2017
RANKED, GRADED = ("listed_auc", "ndcg_at_10"), ("mse", "spearman")
SETS = tuple(facts for size in range(1, 1 + len(FACTS)) for facts in combinations(FACTS, size))
# Pairs or queries judged in a fold, and the metrics by lyrics alone and by the score, float64 (2, 2).
Judged = tuple[int, np.ndarray]


class ValPairs(NamedTuple):
    """The pairs of val, and what lyrics and facts say of each.

    Attributes:
        left: int64 (n_pairs,), row numbers of the songs table.
        right: likewise.
        similarity: of the lyrics, float64 (n_pairs,).
        target: what is learned: 1 and 0 for listed and unlisted pairs; without lists, the true similarity.
        nearness: by each fact, float64 (n_pairs,), NaN where a song lacks it.
        known: by each fact, whether the left and the right song have it, bool (2, n_pairs).
        queries: those of songs with a list; none without lists.
    """

    left: np.ndarray
    right: np.ndarray
    similarity: np.ndarray
    target: np.ndarray
    nearness: dict[Fact, np.ndarray]
    known: dict[Fact, np.ndarray]
    queries: ranking.RankingQueries


def all_tags(songs: pd.DataFrame) -> list[dict[str, float]]:
    """Return each song's tags, its own and Last.fm's, case-folded, with their weights in (0, 1].

    On val both together rank best: with lyrics, listed AUC is 0.844 and nDCG@10 0.356, against 0.844 and
    0.345 by Last.fm's alone, and 0.739 and 0.195 by the songs' own.

    Args:
        songs: tables.SONGS.
    """
    found = []
    for own, of_lastfm, weights in zip(
        songs["tags"], songs["lastfm_tags"], songs["lastfm_weights"], strict=True
    ):
        tags = {} if own is None else {tag.casefold(): 1.0 for tag in own}
        for tag, weight in () if of_lastfm is None else zip(of_lastfm, weights, strict=True):
            if weight > 0:
                tags[tag.casefold()] = max(tags.get(tag.casefold(), 0.0), float(weight) / 100)
        found.append(tags)
    return found


def learn(
    songs: pd.DataFrame,
    pairs: pd.DataFrame,
    similarity: Callable[[np.ndarray, np.ndarray], np.ndarray],
    protocol: Protocol,
    genres: Mapping[str, str],
) -> BlendRecord:
    """Learn the blend of an encoder's similarity with facts.

    Args:
        songs: tables.SONGS of the catalogue.
        pairs: tables.PAIRS; those of other songs are left out.
        similarity: the encoder's, of pairs of row numbers of `songs`, as it is served.
        protocol: that split the pairs, songs or given.
        genres: the genre of each tag that has one, case-folded.
    """
    val = val_pairs(songs, pairs, similarity, protocol, "val")
    parts: tuple[BlendPart, ...] = ()
    if len(val.left) >= MIN_PAIRS:
        parts = tuple(part for facts in SETS if (part := _part(facts, val)) is not None)
    is_ranked = bool(len(val.queries.pair))
    return BlendRecord(n_pairs=len(val.left), is_listed=is_ranked, parts=parts, genres=dict(genres))


def val_pairs(
    songs: pd.DataFrame,
    pairs: pd.DataFrame,
    similarity: Callable[[np.ndarray, np.ndarray], np.ndarray],
    protocol: Protocol,
    split: str,
    max_songs: int = MAX_SONGS,
) -> ValPairs:
    """Return the pairs of a split with what lyrics and facts say of them; see `learn`.

    Args:
        songs: see `learn`.
        pairs: see `learn`.
        similarity: see `learn`.
        protocol: see `learn`.
        split: val or test.
        max_songs: of the split; of more, a sample is drawn.
    """
    in_split = np.flatnonzero(songs_of(songs, pairs, by_fold=protocol == "songs")[split])
    if len(in_split) > max_songs:
        in_split = np.sort(np.random.default_rng(SEED).choice(in_split, max_songs, replace=False))
    ids = songs["song_id"].iloc[in_split]
    is_kept = pairs["left_id"].isin(ids) & pairs["right_id"].isin(ids)
    if protocol == "songs":
        # Pairs of other splits say which songs are observed.
        kept = pairs.loc[is_kept | (pairs["split"] != split)]
        listing = pair_sets.observable(songs.iloc[in_split], kept, split)
    else:
        kept = pairs.loc[is_kept & (pairs["split"] == split)]
        listing = kept.assign(weight=1.0, listed=True)[pair_sets.COLUMNS].reset_index(drop=True)
    left, right = pair_sets.positions(songs, listing)
    queries = comparison.queries(songs, listing, np.zeros(len(songs), dtype=bool))
    target = listing["listed" if len(queries.pair) else "similarity"].to_numpy(np.float64)
    nearness = _nearness(songs, left, right)
    return ValPairs(
        left, right, similarity(left, right), target, nearness, _known(songs, left, right), queries
    )


def _tables(songs: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, list[dict[str, float]]]:
    years = songs["year"].to_numpy(np.float64, na_value=np.nan)
    return artist_numbers(list(songs["artist"]))[0], years, all_tags(songs)


def _nearness(songs: pd.DataFrame, left: np.ndarray, right: np.ndarray) -> dict[Fact, np.ndarray]:
    """Return how near the songs of each pair are by each fact, float64 (n_pairs,)."""
    artist, year, tags = _tables(songs)
    rarity = Tags.of(tags).rarity  # over all songs, as in the catalogue
    rights, at = np.unique(right, return_inverse=True)
    candidates = Songs(artist[rights], year[rights], Tags.of([tags[song] for song in rights], rarity))
    near: dict[Fact, np.ndarray] = {fact: np.full(len(left), np.nan) for fact in FACTS}
    order = np.argsort(left, kind="stable")
    lefts, starts = np.unique(left[order], return_index=True)
    for song, rows in zip(lefts, np.split(order, starts[1:]), strict=True):
        of_song = candidates.nearness(int(artist[song]), float(year[song]), tags[song])
        for fact in FACTS:
            near[fact][rows] = of_song[fact][at[rows]]
    return near


def _known(songs: pd.DataFrame, left: np.ndarray, right: np.ndarray) -> dict[Fact, np.ndarray]:
    artist, year, tags = _tables(songs)
    has: dict[Fact, np.ndarray] = {
        "artist": artist >= 0,
        "year": ~np.isnan(year),
        "tags": np.array([bool(of_song) for of_song in tags], dtype=bool),
    }
    return {fact: np.stack([of_song[left], of_song[right]]) for fact, of_song in has.items()}


def usable(facts: tuple[Fact, ...], val: ValPairs) -> np.ndarray:
    """Return which pairs have a song that could ask with these facts, bool (n_pairs,)."""
    return np.logical_and.reduce([val.known[fact] for fact in facts]).any(axis=0)


def fitted(facts: tuple[Fact, ...], val: ValPairs, rows: np.ndarray) -> Weighing:
    """Return the weighing of some pairs, given by a mask."""
    near: dict[Fact, np.ndarray] = {fact: val.nearness[fact][rows] for fact in facts}
    return blend.fit(facts, val.similarity[rows], near, val.target[rows], np.ones(np.count_nonzero(rows)))


def _part(facts: tuple[Fact, ...], val: ValPairs) -> BlendPart | None:
    """Return the weighing of a set of facts and its gain; None where too few pairs know them all."""
    rows = usable(facts, val)
    both = np.logical_and.reduce([~np.isnan(val.nearness[fact]) for fact in facts])
    if np.count_nonzero(both) < MIN_PAIRS or np.ptp(val.target[rows]) == 0:
        return None
    whole = fitted(facts, val, rows)
    names_of = RANKED if len(val.queries.pair) else GRADED
    judge = _ranks if len(val.queries.pair) else _errors
    judged = list(judge(facts, val, rows))
    weight = np.array([n for n, _ in judged], dtype=np.float64)
    values = np.array([both_answers for _, both_answers in judged])  # (n_folds, alone or blended, metric)
    if len(judged) < 2:
        return None
    means = np.average(values, axis=0, weights=weight)
    signs = np.array([-1.0 if name == "mse" else 1.0 for name in names_of])
    gains = signs * (values[:, 1] - values[:, 0]) * (weight / weight.mean())[:, None]
    shown = bool((gains.mean(axis=0) > gains.std(axis=0, ddof=1) / np.sqrt(len(judged))).all())
    alone, blended = (
        {name: metrics.rounded(value) for name, value in zip(names_of, row, strict=True)} for row in means
    )
    return BlendPart(
        facts=facts,
        intercept=metrics.rounded(whole.intercept),
        lyrics=metrics.rounded(whole.lyrics),
        weights=tuple(map(metrics.rounded, whole.weights)),
        average=tuple(map(metrics.rounded, whole.average)),
        alone=alone,
        blended=blended,
        shown=shown,
    )


def folds(facts: tuple[Fact, ...], val: ValPairs, rows: np.ndarray) -> Iterator[tuple[np.ndarray, Weighing]]:
    """Yield the songs of a fold, a mask by the queries' numbering, and the weighing without any of them."""
    left, right = val.queries.left, val.queries.right
    fold = np.random.default_rng(SEED).permutation(len(val.queries.new_artist)) % FOLDS
    for number in range(FOLDS):
        learned = rows & (fold[left] != number) & (fold[right] != number)
        if learned.any() and np.ptp(val.target[learned]) > 0:
            yield fold == number, fitted(facts, val, learned)


def ranked_by(facts: tuple[Fact, ...], val: ValPairs) -> ranking.RankingQueries:
    """Return the queries whose song has all the facts."""
    queries = val.queries
    is_right = (queries.query == queries.right[queries.pair]).astype(np.intp)
    asks = np.logical_and.reduce([val.known[fact][is_right, queries.pair] for fact in facts])
    return _among(queries, asks)


def _among(queries: ranking.RankingQueries, rows: np.ndarray) -> ranking.RankingQueries:
    kept = {name: getattr(queries, name)[rows] for name in ("pair", "query", "candidate")}
    return replace(queries, **kept)


def _ranks(facts: tuple[Fact, ...], val: ValPairs, rows: np.ndarray) -> Iterator[Judged]:
    """Yield the queries of each fold, and how well lyrics alone and the score rank their listed songs."""
    asked = ranked_by(facts, val)
    at = [ranking.NAMES.index(name) for name in RANKED]
    for in_fold, weighing in folds(facts, val, rows):
        queries = _among(asked, in_fold[asked.query])
        if len(queries.pair):
            answers = {0: val.similarity, 1: weighing.log_odds(val.similarity, val.nearness)}
            measured = ranking.measure(queries, answers, 0, 0)
            n_queries = len(np.unique(queries.query))
            yield n_queries, np.stack([measured[key][0, at] for key in answers])


def _errors(facts: tuple[Fact, ...], val: ValPairs, rows: np.ndarray) -> Iterator[Judged]:
    """Yield the pairs of each fold, and how near lyrics alone and the score come to their similarity."""
    from scipy.stats import spearmanr  # only packing needs SciPy

    alone = (weighing for _, weighing in folds((), val, rows))
    for (in_fold, weighing), by_lyrics in zip(folds(facts, val, rows), alone, strict=True):
        judged = rows & in_fold[val.queries.left]
        if np.count_nonzero(judged) < 2:
            continue
        truth = val.target[judged]
        near: dict[Fact, np.ndarray] = {fact: val.nearness[fact][judged] for fact in facts}
        found = []
        for one in (by_lyrics, weighing):
            log_odds = one.log_odds(val.similarity[judged], near)
            is_constant = np.ptp(log_odds) == 0 or np.ptp(truth) == 0
            order = 0.0 if is_constant else float(spearmanr(log_odds, truth)[0])  # pyright: ignore[reportArgumentType]
            found.append([np.mean((sigmoid(log_odds) - truth) ** 2), order])
        yield int(np.count_nonzero(judged)), np.array(found)
