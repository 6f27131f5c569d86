"""Parse similarity lists with an engine: listed similarities of tracks with lyrics, and rejects.

Input: lists as read from a file. Output: the parts of `common.Similarities`.

Lists of tracks without lyrics and faulty lists are rejected in Python. The others go to the engine, some
thousand at once; of their entries it returns those whose target has lyrics, and those that are faulty.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import compress
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from neuralist.config.params import EngineName
from neuralist.data import parquet
from neuralist.engine.protocol import Engine
from neuralist.ingest.sources import common, lastfm_tags

# Lists parsed by a query. Even a small query takes Spark 0.3 s, and a task of Spark's accepts at most 128 MB
# of input: 30,000 lists are about 100 MB.
_AT_ONCE: dict[EngineName, int] = {"duckdb": 10_000, "spark": 30_000}
_RECORD_BATCH = 1_000  # lists; DuckDB's threads each take such batches

_PAIRS = {"source_number": np.int32, "target_number": np.int32, "grade": np.float64}

_NO_ID = "a list without track id"
_NO_GRADE = "similarity is not a number within similarity_range"

# Entries whose target has lyrics or whose score is faulty, in any order. Engines differ in what they accept
# as a number (DuckDB takes 0_5, Spark 0.5d and 0x1p-1), so the pattern decides.
_NUMBER = r"^[\t-\r ]*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[\t-\r ]*$"
_GRADED = """
    with parsed as (
        select first_entry, n_targets, {fields} as fields from chunk
    ), numbered as (
        select first_entry, fields, explode(sequence(0, n_targets - 1)) as position from parsed
    ), entries as (
        select first_entry + position as entry, get(fields, 2 * position) as target_id,
               get(fields, 2 * position + 1) as score
        from numbered
    ), graded as (
        select entry, target_id, score,
               case when regexp_like(score, '{number}') and try_cast(score as double) between {low} and {high}
                    then try_cast(score as double) end as grade
        from entries
    )
    select /*+ broadcast(tracks) */ entry, coalesce(number, -1) as number, grade,
           case when grade is null then coalesce(score, 'null') end as value
    from graded left join tracks on id = target_id
    where number is not null or grade is null
"""


class SimilarityList(NamedTuple):
    """A track's list as read from a file.

    Attributes:
        where: its file, and its row there.
        source_id: the track that has it, or empty.
        n_targets: how many tracks it names.
        fields: "track,score,track,score", or the same as a tuple.
        fault: what is wrong with the list as a whole, or empty.
        tags: of the track, names and weights as they stand there.
    """

    where: str
    source_id: str
    n_targets: int
    fields: str | tuple[str | None, ...]
    fault: str
    tags: list[tuple[str, str | None]]


class SimilarityLists:
    """Collects what a source's lists say of the tracks with lyrics.

    Args:
        engine: an engine without tables.
        engine_name: its name in params.yaml.
        ids: of the tracks with lyrics, sorted.
        similarity_range: lowest and highest score, mapped to [0, 1].
        as_text: whether the lists' fields are text, not tuples.
    """

    def __init__(
        self,
        engine: Engine,
        engine_name: EngineName,
        ids: list[str],
        similarity_range: tuple[float, float],
        *,
        as_text: bool,
    ) -> None:
        self._engine, self._at_once = engine, _AT_ONCE[engine_name]
        self._ids, self._range = ids, similarity_range
        self._numbers = {name: number for number, name in enumerate(ids)}
        numbers = pa.array(range(len(ids)), pa.int32())
        engine.register("track_ids", pa.table({"id": pa.array(ids, pa.string()), "number": numbers}))
        engine.create_table("tracks", "select id, number from track_ids")
        self._type = pa.string() if as_text else pa.list_(pa.string())
        fields = "split(fields, ',')" if as_text else "fields"
        low, high = (f"cast('{end!r}' as double)" for end in similarity_range)
        self._query = _GRADED.format(fields=fields, number=_NUMBER, low=low, high=high)
        self._tags: dict[str, list[str]] = {}
        self._weighted: dict[str, list[tuple[str, float]]] = {}
        self._seen: set[str] = set()
        self._with_list: set[str] = set()
        self._is_target = np.zeros(len(ids), dtype=bool)
        # Number of the list; of the entry from 1, or 0 for the whole list; where, reason and value.
        self._faults: list[tuple[int, int, str, str, str]] = []
        self._faulty: Counter[str] = Counter()
        self._n_lists = self._n_entries = self._n_unusable = 0

    def read(
        self, chunks: Iterator[list[SimilarityList]], file_name: str, *, by_target: bool
    ) -> common.Similarities:
        """Parse all lists; ids of the pairs are categorical, which take four bytes each.

        Args:
            chunks: the lists.
            file_name: of the file that they are from.
            by_target: whether a list's track is the target of its pairs; then a track with lyrics has a list
                where a used list names it.

        Raises:
            ValueError: no list, or no score, can be used: the file's format is wrong.
        """
        low, high = self._range
        batches = list(self._pairs(chunks))
        *ends, grades = (np.concatenate([batch.pop(name) for batch in batches]) for name in _PAIRS)
        names = pd.Index(self._ids, dtype="str")
        source, target = (pd.Categorical.from_codes(codes, categories=names) for codes in ends)
        columns = {
            "source_id": target if by_target else source,
            "target_id": source if by_target else target,
            "similarity": (grades - low) / (high - low),
            "split": pd.Categorical.from_codes(np.full(len(grades), -1, np.int8), categories=names[:0]),
        }
        with_list = frozenset(compress(self._ids, self._is_target) if by_target else self._with_list)
        listed = pd.DataFrame(columns, copy=False)
        rejects = self._rejects(file_name)
        return common.Similarities(listed, with_list, self._tags, rejects, lastfm_tags=self._weighted)

    def _rejects(self, file_name: str) -> pd.DataFrame:
        """Return rejects (tables.REJECTS), in the order of the lists."""
        faults = common.rejects([("lastfm", *fault[2:]) for fault in sorted(self._faults)])
        lists = self._n_lists, self._faulty.total(), list(self._faulty)
        scores = self._n_entries, self._n_unusable, [_NO_GRADE]
        for total, unusable, reasons in (lists, scores):
            if total and total == unusable:
                raise common.all_unusable(file_name, total, faults.loc[faults["reason"].isin(reasons)])
        nameless = [reason == _NO_ID for _, _, _, reason, _ in self._faults]
        if nameless and all(nameless) and not self._n_lists:
            raise common.all_unusable(file_name, len(faults), faults)
        return faults

    def _pairs(self, chunks: Iterator[list[SimilarityList]]) -> Iterator[dict[str, np.ndarray]]:
        yield {name: np.empty(0, kind) for name, kind in _PAIRS.items()}
        n_read = 0
        used: list[tuple[int, SimilarityList]] = []
        for chunk in parquet.ahead(chunks):
            used += [numbered for numbered in enumerate(chunk, n_read) if self._is_used(*numbered)]
            n_read += len(chunk)
            if len(used) >= self._at_once:
                yield self._parse(used)
                used = []
        if used:
            yield self._parse(used)

    def _is_used(self, number: int, similars: SimilarityList) -> bool:
        """Return whether a list is to be parsed; note its tags, or why it is rejected."""
        track = value = similars.source_id
        if not track:
            reason = _NO_ID
        elif track in self._numbers:
            reason = self._fault(track, number, similars)
        else:
            reason = "no lyrics for this track's list" if similars.n_targets else ""
            value = f"{similars.n_targets} targets"
        if reason:
            self._faults.append((number, 0, similars.where, reason, value))
        return not reason and similars.n_targets > 0

    def _fault(self, track: str, number: int, similars: SimilarityList) -> str:
        """Note the list of a track with lyrics; return why it is rejected, or an empty string."""
        repeated = track in self._seen
        self._seen.add(track)
        self._n_lists += 1
        if similars.tags and not repeated:
            usable = self._usable_tags(number, similars)
            self._tags[track] = [name for name, _ in usable]
            self._weighted[track] = self._weights(number, similars.where, usable)
        if similars.fault:
            self._faulty[similars.fault] += 1
            return similars.fault
        if similars.n_targets:
            self._with_list.add(track)
        return "repeat of an earlier list" if repeated else ""

    def _usable_tags(self, number: int, similars: SimilarityList) -> list[tuple[str, str | None]]:
        """Return the tags of a list, and note those that are longer than any tag."""
        faults = [(name, common.too_long({"tag": name})) for name, _ in similars.tags]
        self._faults += [(number, 0, similars.where, *fault) for _, fault in faults if fault]
        return [tag for tag, (_, fault) in zip(similars.tags, faults, strict=True) if not fault]

    def _weights(
        self, number: int, where_list: str, listed: list[tuple[str, str | None]]
    ) -> list[tuple[str, float]]:
        """Return tags with their weights, and note those whose weight is faulty."""
        tags = [(name, value, lastfm_tags.weight(value)) for name, value in listed]
        for name, value, weight in tags:
            if weight is None:
                where = f"{where_list}, tag {common.shortened(name)}"
                self._faults.append((number, 0, where, lastfm_tags.NO_WEIGHT, common.shortened(value)))
        return [(name, weight) for name, _, weight in tags if weight is not None]

    def _parse(self, used: list[tuple[int, SimilarityList]]) -> dict[str, np.ndarray]:
        """Return the usable pairs of lists by column of _PAIRS, and note rejects."""
        lengths = np.array([similars.n_targets for _, similars in used], np.int32)
        first_entry = np.cumsum(lengths, dtype=np.int32) - lengths
        fields = pa.array([similars.fields for _, similars in used], self._type)
        lists = pa.table({"first_entry": first_entry, "n_targets": lengths, "fields": fields})
        batches = lists.to_batches(max_chunksize=_RECORD_BATCH)
        self._engine.register("chunk", pa.Table.from_batches(batches, lists.schema))
        entries = self._engine.frame(self._query)
        # An entry that is not returned has a target without lyrics and no fault.
        target, grade = np.full(lengths.sum(), -1, np.int32), np.full(lengths.sum(), np.nan)
        target[entries["entry"]], grade[entries["entry"]] = entries["number"], entries["grade"]
        of_list = np.repeat(np.arange(len(used)), lengths)
        unusable = entries.loc[entries["value"].notna(), ["entry", "value"]]
        for entry, value in unusable.itertuples(index=False):
            number, similars = used[of_list[entry]]
            position = int(entry - first_entry[of_list[entry]]) + 1
            where = f"{similars.where}, entry {position}"
            self._faults.append((number, position, where, _NO_GRADE, common.shortened(value)))
        has_lyrics, is_named = target >= 0, np.zeros(len(target), dtype=bool)
        is_named[unusable["entry"]] = True  # by its grade; one entry is one reject
        n_without = np.bincount(of_list[~has_lyrics & ~is_named], minlength=len(used))
        for (number, similars), count in compress(zip(used, n_without, strict=True), n_without):
            value = f"{count} of {similars.n_targets} targets"
            self._faults.append((number, 0, similars.where, "targets without lyrics", value))
        self._n_entries += len(target)
        self._n_unusable += len(unusable)
        self._is_target[target[has_lyrics]] = True
        is_pair = has_lyrics & ~np.isnan(grade)
        source = np.array([self._numbers[similars.source_id] for _, similars in used], np.int32)
        return dict(zip(_PAIRS, (source[of_list[is_pair]], target[is_pair], grade[is_pair]), strict=True))
