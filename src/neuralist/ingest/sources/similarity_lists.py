"""Similarity lists, taken apart by an engine: what is listed between known tracks, and what was not used.

Input: lists as a file has them. Output: `common.Similarities`.

Lists of unknown tracks stay here, and so do those with a fault. The others go to the engine, some thousand at
once; of their entries only those between known tracks come back, as numbers of these, and those with a fault.
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
from neuralist.ingest.sources import common

# Lists taken apart at once. A query of Spark costs 0.3 s, however small, and no task of its takes
# more than 128 MB of what is handed over: 30,000 lists are about 100 MB.
_AT_ONCE: dict[EngineName, int] = {"duckdb": 10_000, "spark": 30_000}
_PIECE = 1_000  # lists; DuckDB's threads share them by pieces

_PAIRS = {"source_number": np.int32, "target_number": np.int32, "grade": np.float64}

_NO_ID = "a list without track id"
_NO_GRADE = "similarity is not a number within similarity_range"

# Entries that name a known track or have a fault, by number, in any order. What engines take for a number
# differs (0_5 is one to DuckDB, 0.5d and 0x1p-1 are to Spark): the pattern says what is.
_NUMBER = r"^[\t-\r ]*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[\t-\r ]*$"
_GRADED = """
    with parsed as (
        select before, n_targets, {fields} as fields from chunk
    ), numbered as (
        select before, fields, explode(sequence(0, n_targets - 1)) as nth from parsed
    ), entries as (
        select before + nth as entry, get(fields, 2 * nth) as target_id, get(fields, 2 * nth + 1) as score
        from numbered
    ), graded as (
        select entry, target_id, score,
               case when regexp_like(score, '{number}') and try_cast(score as double) between {low} and {high}
                    then try_cast(score as double) end as grade
        from entries
    )
    select /*+ broadcast(known) */ entry, coalesce(number, -1) as number, grade,
           case when grade is null then coalesce(score, 'null') end as value
    from graded left join known on id = target_id
    where number is not null or grade is null
"""


class List(NamedTuple):
    """A list as its file has it.

    Attributes:
        place: where it stands.
        source_id: the track that has it, or empty.
        n_targets: how many tracks it names.
        fields: "track,score,track,score", or the same as a tuple.
        fault: what is wrong with the whole of it, or empty.
        tags: of the track.
    """

    place: str
    source_id: str
    n_targets: int
    fields: str | tuple[str | None, ...]
    fault: str
    tags: list[str]


class Lists:
    """The lists of a source, read to the end: what they say of known tracks.

    Args:
        engine: an empty one.
        on: its name.
        ids: of known tracks, sorted.
        similarity_range: lowest and highest score, mapped to [0, 1].
        as_text: whether the fields of lists are text.

    Attributes:
        tags: of known tracks.
    """

    def __init__(
        self,
        engine: Engine,
        on: EngineName,
        ids: list[str],
        similarity_range: tuple[float, float],
        *,
        as_text: bool,
    ) -> None:
        self._engine, self._at_once, self._ids, self._range = engine, _AT_ONCE[on], ids, similarity_range
        self._numbers = {name: number for number, name in enumerate(ids)}
        numbers = pa.array(range(len(ids)), pa.int32())
        engine.register("known_ids", pa.table({"id": pa.array(ids, pa.string()), "number": numbers}))
        engine.make("known", "select id, number from known_ids")
        self._type = pa.string() if as_text else pa.list_(pa.string())
        fields = "split(fields, ',')" if as_text else "fields"
        low, high = (f"cast('{end!r}' as double)" for end in similarity_range)
        self._query = _GRADED.format(fields=fields, number=_NUMBER, low=low, high=high)
        self.tags: dict[str, list[str]] = {}
        self._seen: set[str] = set()
        self._with_list: set[str] = set()
        self._named = np.zeros(len(ids), dtype=bool)
        # A list's number, an entry's from 1 (0: the list as a whole), place, reason, value.
        self._faults: list[tuple[int, int, str, str, str]] = []
        self._faulty: Counter[str] = Counter()
        self._n_known = self._n_entries = self._n_unusable = 0

    def listed(self, chunks: Iterator[list[List]], *, turned_round: bool) -> pd.DataFrame:
        """Read all lists, and give the pairs of known tracks in their order.

        Returns:
            tables.LISTED, whose categorical ids take four bytes each.
        """
        low, high = self._range
        found = list(self._pairs(chunks))
        *ends, grades = (np.concatenate([piece.pop(name) for piece in found]) for name in _PAIRS)
        names = pd.Index(self._ids, dtype="str")
        source, target = (pd.Categorical.from_codes(codes, categories=names) for codes in ends)
        columns = {
            "source_id": target if turned_round else source,
            "target_id": source if turned_round else target,
            "similarity": (grades - low) / (high - low),
            "split": pd.Categorical.from_codes(np.full(len(grades), -1, np.int8), categories=names[:0]),
        }
        return pd.DataFrame(columns, copy=False)

    def with_list(self, *, turned_round: bool) -> frozenset[str]:
        """Known tracks that have a list or, turned round, are named by a used one."""
        return frozenset(compress(self._ids, self._named) if turned_round else self._with_list)

    def rejects(self, place: str) -> pd.DataFrame:
        """What was not used (tables.REJECTS), in the order of the lists.

        Raises:
            ValueError: no list, or no score, can be used: the form of the whole is wrong.
        """
        faults = common.rejects([("lastfm", *fault[2:]) for fault in sorted(self._faults)])
        lists = self._n_known, self._faulty.total(), list(self._faulty)
        scores = self._n_entries, self._n_unusable, [_NO_GRADE]
        for total, unusable, kinds in (lists, scores):
            if total and total == unusable:
                raise common.all_unusable(place, total, faults.loc[faults["reason"].isin(kinds)])
        nameless = [reason == _NO_ID for _, _, _, reason, _ in self._faults]
        if nameless and all(nameless) and not self._n_known:
            raise common.all_unusable(place, len(faults), faults)
        return faults

    def _pairs(self, chunks: Iterator[list[List]]) -> Iterator[dict[str, np.ndarray]]:
        yield {name: np.empty(0, kind) for name, kind in _PAIRS.items()}
        n_read = 0
        used: list[tuple[int, List]] = []
        for chunk in parquet.ahead(chunks):
            used += [(at, one) for at, one in enumerate(chunk, n_read) if self._is_used(at, one)]
            n_read += len(chunk)
            if len(used) >= self._at_once:
                yield self._expanded(used)
                used = []
        if used:
            yield self._expanded(used)

    def _is_used(self, at: int, one: List) -> bool:
        """Whether a list is to be taken apart; what it says as a whole is kept."""
        track = value = one.source_id
        if not track:
            reason = _NO_ID
        elif track in self._numbers:
            reason = self._fault(track, one)
        else:
            reason = "no lyrics for this track's list" if one.n_targets else ""
            value = f"{one.n_targets} targets"
        if reason:
            self._faults.append((at, 0, one.place, reason, value))
        return not reason and one.n_targets > 0

    def _fault(self, track: str, one: List) -> str:
        """Why a known track's list is not used, if so."""
        repeated = track in self._seen
        self._seen.add(track)
        self._n_known += 1
        if one.tags and not repeated:
            self.tags[track] = one.tags
        if one.fault:
            self._faulty[one.fault] += 1
            return one.fault
        if one.n_targets:
            self._with_list.add(track)
        return "repeat of an earlier list" if repeated else ""

    def _expanded(self, used: list[tuple[int, List]]) -> dict[str, np.ndarray]:
        """The usable pairs of lists, as _PAIRS."""
        lengths = np.array([one.n_targets for _, one in used], np.int32)
        before = np.cumsum(lengths, dtype=np.int32) - lengths
        fields = pa.array([one.fields for _, one in used], self._type)
        lists = pa.table({"before": before, "n_targets": lengths, "fields": fields})
        pieces = lists.to_batches(max_chunksize=_PIECE)
        self._engine.register("chunk", pa.Table.from_batches(pieces, lists.schema))
        found = self._engine.frame(self._query)
        # What does not come back has no known target and no fault.
        target, grade = np.full(lengths.sum(), -1, np.int32), np.full(lengths.sum(), np.nan)
        target[found["entry"]], grade[found["entry"]] = found["number"], found["grade"]
        of_list = np.repeat(np.arange(len(used)), lengths)
        unusable = found.loc[found["value"].notna(), ["entry", "value"]]
        for entry, value in unusable.itertuples(index=False):
            at, one = used[of_list[entry]]
            nth = int(entry - before[of_list[entry]]) + 1
            self._faults.append((at, nth, f"{one.place}, entry {nth}", _NO_GRADE, value))
        known = target >= 0
        n_unknown = np.bincount(of_list[~known], minlength=len(used))
        for (at, one), count in compress(zip(used, n_unknown, strict=True), n_unknown):
            value = f"{count} of {one.n_targets} targets"
            self._faults.append((at, 0, one.place, "targets without lyrics", value))
        self._n_entries += len(target)
        self._n_unusable += len(unusable)
        self._named[target[known]] = True
        known &= ~np.isnan(grade)  # from here on: and graded
        source = np.array([self._numbers[one.source_id] for _, one in used], np.int32)
        return dict(zip(_PAIRS, (source[of_list[known]], target[known], grade[known]), strict=True))
