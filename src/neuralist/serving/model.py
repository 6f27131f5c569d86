"""A trained model to use: similarities, embeddings and nearest songs of lyrics.

Input: texts, one or many; each must hold a word. Output: arrays and tables in their order. Texts are encoded
by chunk, to bound the memory. The command line, the served models and `neuralist.load` all use `Model`.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
import pandas as pd

from neuralist import metrics, threads
from neuralist.config import records
from neuralist.config.records import ServedModel
from neuralist.model.encoder import Encoder, Reading
from neuralist.serving import deadline, explanation, facts
from neuralist.serving.catalogue import DECIMALS, OTHER, SAME, Catalogue
from neuralist.serving.lyrics import texts, unknown
from neuralist.text import languages

# Texts encoded together; 512 sorted by length leave the LSTM little padding to run over. Long texts make
# smaller chunks, for words take ten times the memory of a text, and each core works on a chunk.
CHUNK, CHUNK_CHARACTERS = 512, 2_000_000


class _Compared(NamedTuple):
    """What the model says of pairs of texts."""

    similarity: np.ndarray  # float64 (n_pairs,)
    n_tokens: np.ndarray  # int64 (2, n_pairs), tokens read
    known: np.ndarray  # float64 (2, n_pairs), the share of these that it knows
    faults: dict[int, str]  # by row, from 0: why there is no similarity


class Model:
    """Similarities, embeddings and nearest songs of lyrics, by a trained encoder.

    `lyrics` is one text or many: a list, a pandas Series, a NumPy array or any other iterable of texts. A
    value that is not a text, has no word or none that the model knows, or is longer than 100,000 characters
    raises a ValueError that names its row, from 1.

    Args:
        encoder: the encoder.
        served_folder: returns the folder with the threshold and the catalogue; called when they are needed.
        again: loads the model again, for a copy of it in another process.
    """

    def __init__(
        self, encoder: Encoder, served_folder: Callable[[], Path], again: "Callable[[], Model]"
    ) -> None:
        self.encoder, self._served_folder, self._again = encoder, served_folder, again

    # ONNX Runtime's sessions cannot be pickled: a copy loads the model again from where it was loaded.
    def __reduce__(self) -> tuple[Any, ...]:
        return self._again, ()

    @classmethod
    def load(cls, folder: Path) -> "Model":
        """Read a served folder, artifacts/served/; the catalogue is read when it is needed.

        Raises:
            ValueError: a file of the folder is missing or damaged, or the folder is of a newer format.
        """
        model = cls(Encoder.load(folder), lambda: folder, partial(cls.load, folder))
        _ = model.served
        return model

    def __repr__(self) -> str:
        return f"Model(similarity={self.encoder.similarity.kind!r}, width={self.encoder.width})"

    @cached_property
    def served(self) -> ServedModel:
        """The experiment, its corpus, its threshold, and the baselines over which it shows no lead."""
        return records.load_served(self._served_folder())

    @cached_property
    def catalogue(self) -> Catalogue:
        """The songs that `recommend` chooses from."""
        return Catalogue.load(self._served_folder(), self.encoder.similarity)

    def encode(self, lyrics: str | Iterable[str]) -> np.ndarray:
        """Embed lyrics: float32 (n_texts, width), in their order; (width,) for one text.

        The embeddings are not of length 1, and are compared by the model's own similarity: see
        `similarity_matrix`.
        """
        embeddings = self._encode(lyrics, "lyrics")
        return embeddings[0] if isinstance(lyrics, str) else embeddings

    def _encode(self, lyrics: Any, name: str) -> np.ndarray:
        return self._checked_embeddings(texts(lyrics, name, self.encoder.clean), name)

    def _checked_embeddings(self, cleaned: list[str], name: str) -> np.ndarray:
        numbers = {text: number for number, text in enumerate(dict.fromkeys(cleaned))}  # each text once
        rows = np.array([numbers[text] for text in cleaned], dtype=np.intp)
        reading = self.read(list(numbers), cleaned=True)
        _raise_first(self.faults(reading.known[rows], name), len(rows))
        return reading.embeddings[rows]

    def read(self, lyrics: Sequence[str], *, cleaned: bool = False) -> Reading:
        """Embed lyrics, and count the tokens read and known; those without a known token do not raise.

        Args:
            lyrics: texts, each with a word.
            cleaned: whether they are cleaned already, by `serving.lyrics.cleaned`.
        """
        chunks = [lyrics[rows] for rows in _chunks(list(map(len, lyrics)), CHUNK)]
        if not chunks:
            return Reading(np.empty((0, self.encoder.width), np.float32), np.empty(0, np.int64), np.empty(0))
        # While a chunk is in the encoder's graph, the words of another are looked up.
        readings = list[Reading]()
        for reading in threads.mapped(partial(self.encoder.read, cleaned=cleaned), chunks):
            readings.append(reading)
            n_read = sum(len(of.known) for of in readings)
            if n_read < len(lyrics):
                deadline.check(n_read, len(lyrics), "texts were read")
        return Reading(*map(np.concatenate, zip(*readings, strict=True)))

    # A text is an iterable of texts too; the first overload that matches counts.
    @overload
    def similarity(  # pyright: ignore[reportOverlappingOverload]
        self, lyrics_a: str, lyrics_b: str
    ) -> float: ...
    @overload
    def similarity(self, lyrics_a: Iterable[str], lyrics_b: Iterable[str]) -> "np.ndarray | pd.Series": ...

    def similarity(
        self, lyrics_a: str | Iterable[str], lyrics_b: str | Iterable[str]
    ) -> "float | np.ndarray | pd.Series":
        """Return the similarity of the lyrics of each pair, row by row.

        Args:
            lyrics_a: of the first songs.
            lyrics_b: of the second songs, as many.

        Returns:
            Similarities in [0, 1], to 6 decimals: a float for two texts; a Series with the index of the
            Series that was given; else float64 (n_pairs,).

        Raises:
            ValueError: a text is invalid; the two differ in number or in index; or they are embeddings.
        """
        for name, values in (("lyrics_a", lyrics_a), ("lyrics_b", lyrics_b)):
            if _is_embeddings(values):
                raise ValueError(f"{name}: received embeddings; give texts, or call similarity_matrix")
        index = _common_index(lyrics_a, lyrics_b)
        values = self._scored(lyrics_a, lyrics_b).similarity
        if isinstance(lyrics_a, str):
            return float(values[0])
        return values if index is None else pd.Series(values, index=index, name="similarity")

    def similarity_matrix(self, a: Any, b: Any = None) -> "np.ndarray | pd.DataFrame":
        """Return the similarity of every one of `a` with every one of `b`, by the encoder alone.

        Args:
            a: texts, or embeddings float32 (n, width) from `encode`.
            b: likewise; None for `a` itself.

        Returns:
            Similarities in [0, 1], to 6 decimals, float64 (n_a, n_b); a table with their indexes where `a` or
            `b` is a Series.

        Raises:
            ValueError: a text is invalid, or embeddings are of another width or not finite.
        """
        b = a if b is None else b
        rows = self._embeddings(a, "a")
        columns = rows if b is a else self._embeddings(b, "b")
        columns = columns.astype(np.float64)  # once, and not for each row
        values = np.empty((len(rows), len(columns)))
        for number, row in enumerate(rows):
            values[number] = self.encoder.similarity(row[None], columns)
        values = values.round(DECIMALS)
        index_a, index_b = (side.index if isinstance(side, pd.Series) else None for side in (a, b))
        if index_a is None and index_b is None:
            return values
        return pd.DataFrame(values, index=index_a, columns=index_b)

    def recommend(  # noqa: PLR0913 - each is an option
        self,
        lyrics: str | Iterable[str],
        k: int = 10,
        *,
        exclude_artist: str | None = None,
        min_year: int | None = None,
        max_year: int | None = None,
        versions: bool = False,
        approximate: bool = False,
        artist: Any = None,
        year: Any = None,
        tags: Any = None,
        contrast: bool = False,
        lyrics_only: bool = False,
        language: str | None = None,
    ) -> pd.DataFrame:
        """Return the k songs of the catalogue nearest to lyrics, and to what else is known of their song.

        Without artist, year and tags the order is that of the encoder's similarity. With some of them it is
        that of a score, learned on val from the similarity and from how near the songs are by these facts. A
        song and its versions and covers are a group, of which the nearest is returned.

        Args:
            lyrics: the texts to search with.
            k: songs for each text; fewer where the filters leave fewer.
            exclude_artist: leave out this artist's songs, if there are any; case and guests do not count.
            min_year: leave out earlier songs, and songs of unknown year.
            max_year: leave out later songs, and songs of unknown year.
            versions: return every song of a group.
            approximate: faster among half a million songs, but may miss some; not with artist, year or tags.
            artist: of the song that the lyrics are from; for many texts a value for each, in a list or a
                Series, None where unknown. It leaves nobody out.
            year: likewise.
            tags: likewise: "soul, 70s", or a list of tags.
            contrast: only songs of another genre, or 20 years or more away, ranked by lyrics alone, and never
                the song itself. Its genres are those of its tags.
            lyrics_only: rank by lyrics alone, whatever is known.
            language: "same": only songs in the language of the lyrics, which is detected; "other": only songs
                in another one; a code such as "fr": only songs in that one. Songs whose language is unknown
                are then left out. None: all songs.

        Returns:
            rank (from 1), song_id, artist, title (of a song without artist and title, its first words), year,
            similarity (of the lyrics). For many texts the first column is `query`: the text's position from
            0, or its label in the Series. With artist, year, tags or contrast also `score`, in [0, 1], and
            `used`, what ranks ("lyrics, year"); `score` is null where lyrics rank alone. attrs["notes"] then
            says in sentences what was not used, such as a tag that no song has. With language also
            `language`, of each song.

        Raises:
            ValueError: a text, a fact or an option is invalid; the model has no catalogue; artist, year or
                tags, or language, for a model packed by an earlier version; contrast without year and genre;
                or "same" or "other" for lyrics whose language cannot be told, as of those under 20 words.
        """
        cleaned = texts(lyrics, "lyrics", cache(self.encoder.clean))
        embeddings = self._checked_embeddings(cleaned, "lyrics")
        nearest = self.catalogue.nearest(
            embeddings,
            k,
            exclude_artist=exclude_artist,
            min_year=min_year,
            max_year=max_year,
            versions=versions,
            approximate=approximate,
            facts=facts.columns(len(embeddings), artist, year, tags, single=isinstance(lyrics, str)),
            contrast=contrast,
            lyrics_only=lyrics_only,
            language=language,
            query_languages=languages.detect(cleaned) if language in (SAME, OTHER) else None,
        )
        if isinstance(lyrics, str):
            return nearest.drop(columns="query")
        if isinstance(lyrics, pd.Series):
            nearest["query"] = lyrics.index.take(nearest["query"].to_numpy())
        return nearest

    def explain(self, lyrics_a: str, lyrics_b: str, *, cleaned: bool = False) -> pd.DataFrame:
        """Return what each line and each word of two texts contributes to their similarity.

        Each is left out of its text, and the pair is scored again (Li, Monroe & Jurafsky 2016,
        arXiv:1612.08220). The table says what the model's score rests on, not why two songs are alike. Parts
        that say the same hide each other, since the other one stays, so contributions do not add up.

        Lines of the same words are one line, and copies of a word one word: all are left out together. A line
        of more than 30 words is cut into sentences, and a longer sentence into runs of ten words. Of a text
        of one line only words are left out. At most 100,000 tokens are encoded for the lines of a text, and
        as many for its words: it takes a second or two.

        Args:
            lyrics_a: of the first song.
            lyrics_b: of the second.
            cleaned: whether both are checked and cleaned already, by `serving.lyrics.cleaned`.

        Returns:
            A row for each line and word, with text (a or b), unit (line or word), line (the number of the
            line where it stands first, from 1, after cleaning), part (the line or the word), times (how often
            it stands in the text), read (whether the model reads any of these) and contribution, the
            similarity less that without it, in [-1, 1], to 6 decimals: above 0 it speaks for the similarity.
            It is null where no word that the model knows would be left. The rows are sorted by text, unit and
            contribution, the highest first. attrs["similarity"] is the similarity of what is read of the
            texts, and attrs["notes"] says in sentences what was not read or not tried.

        Raises:
            ValueError: a text is invalid.
        """
        sides = [("lyrics_a", lyrics_a), ("lyrics_b", lyrics_b)]
        if not cleaned:
            sides = [(name, texts([value], name, self.encoder.clean)[0]) for name, value in sides]
        a, b = (text for _, text in sides)
        _raise_first(self._compared([a], [b], cleaned=True).faults, 1)

        def similarities(left: Sequence[str], right: Sequence[str]) -> np.ndarray:
            compared = self._compared(left, right, cleaned=True)
            compared.similarity[list(compared.faults)] = np.nan
            return compared.similarity

        return explanation.explain(a, b, self.encoder.windowing, similarities)

    def predict(
        self, lyrics_a: Iterable[str], lyrics_b: Iterable[str], *, cleaned: bool = False
    ) -> pd.DataFrame:
        """Return the columns of `compare` as a table, with the index of the Series that was given.

        A pair with a text of which the model knows no word does not raise: it gets nulls, and the reason in
        the column `error`.

        Args:
            lyrics_a: of the first songs.
            lyrics_b: of the second songs, as many.
            cleaned: whether both are lists that are checked and cleaned already, by `serving.lyrics.cleaned`.
        """
        index = _common_index(lyrics_a, lyrics_b)
        compared = self._compared(lyrics_a, lyrics_b, cleaned=cleaned)
        errors = [compared.faults.get(row) for row in range(len(compared.similarity))]
        failed = np.array([error is not None for error in errors], dtype=bool)
        columns: dict[str, Any] = dict(self._columns(compared))
        columns["similarity"] = np.where(failed, np.nan, columns["similarity"])
        columns["similar"] = pd.arrays.BooleanArray(columns["similar"], failed)
        columns["decile"] = pd.arrays.IntegerArray(columns["decile"], failed.copy())
        columns["error"] = pd.Series(errors, index=index, dtype=object)
        return pd.DataFrame(columns, index=index)

    def compare(self, lyrics_a: Iterable[Any], lyrics_b: Iterable[Any]) -> dict[str, np.ndarray]:
        """Predict the similarity of the lyrics of each pair.

        Returns:
            Columns with one entry per pair, in input order: similarity (float64 in [0, 1], to 6 decimals),
            similar (bool, whether it reaches the threshold), decile (int64 in 0..9), tokens_used_a and
            tokens_used_b (int64, tokens of each text that the model read), known_a and known_b (float64 in
            (0, 1], to 6 decimals, the share of these that it knows).

        Raises:
            ValueError: a text is invalid, or the two columns differ in length.
        """
        return self._columns(self._scored(lyrics_a, lyrics_b))

    def _scored(self, lyrics_a: Any, lyrics_b: Any) -> "_Compared":
        compared = self._compared(lyrics_a, lyrics_b)
        _raise_first(compared.faults, len(compared.similarity))
        return compared

    def _compared(self, lyrics_a: Any, lyrics_b: Any, *, cleaned: bool = False) -> "_Compared":
        if isinstance(lyrics_a, str) != isinstance(lyrics_b, str):
            raise ValueError("received one text and many; give as many of both, or call similarity_matrix")
        left, right = lyrics_a, lyrics_b
        if not cleaned:
            clean = cache(self.encoder.clean)  # many pairs have a text in common
            left, right = texts(lyrics_a, "lyrics_a", clean), texts(lyrics_b, "lyrics_b", clean)
        if len(left) != len(right):
            raise ValueError(
                f"received {len(left):,} texts as lyrics_a and {len(right):,} as lyrics_b; give pairs"
            )
        numbers = {text: number for number, text in enumerate(dict.fromkeys([*left, *right]))}
        reading = self.read(list(numbers), cleaned=True)
        sides = np.array([[numbers[text] for text in side] for side in (left, right)], dtype=np.intp)
        similarity = np.empty(len(left))

        def compare(rows: slice) -> None:
            embeddings = reading.embeddings[sides[:, rows].ravel()]
            pair_similarity = self.encoder.pair_similarity([*left[rows], *right[rows]], embeddings)
            similarity[rows] = pair_similarity(*np.split(np.arange(len(embeddings)), 2))

        lengths = [len(one) + len(other) for one, other in zip(left, right, strict=True)]
        for _ in threads.mapped(compare, _chunks(lengths, CHUNK // 2)):
            pass
        n_tokens, known = reading.n_tokens[sides], reading.known[sides]
        faults = self.faults(known[1], "lyrics_b") | self.faults(known[0], "lyrics_a")
        return _Compared(similarity.round(DECIMALS), n_tokens, known.round(DECIMALS), faults)

    def _columns(self, compared: "_Compared") -> dict[str, np.ndarray]:
        return {
            "similarity": compared.similarity,
            "similar": compared.similarity >= self.served.threshold,
            "decile": metrics.decile(compared.similarity),
            "tokens_used_a": compared.n_tokens[0],
            "tokens_used_b": compared.n_tokens[1],
            "known_a": compared.known[0],
            "known_b": compared.known[1],
        }

    def faults(self, known: np.ndarray, name: str) -> dict[int, str]:
        """Return why texts cannot be scored, by row from 0: the model knows none of their words.

        Args:
            known: float64 (n_texts,), from `read`.
            name: of the column of texts.
        """
        reason = f"column {name}: received {unknown(self.encoder.windowing.unit)}"
        return dict.fromkeys(np.flatnonzero(known == 0).tolist(), reason)

    def _embeddings(self, values: Any, name: str) -> np.ndarray:
        if not _is_embeddings(values):
            return self._encode(values, name)
        if isinstance(values, pd.DataFrame):
            values = values.to_numpy(np.float64, na_value=np.nan)
        elif not hasattr(values, "shape") or _is_of_objects(values):
            rows = [np.asarray(row) for row in values]
            widths = sorted({row.shape for row in rows})
            if len(widths) > 1:
                raise ValueError(f"{name}: received rows of shapes {widths}; give embeddings of equal width")
            values = rows
        embeddings = np.atleast_2d(np.asarray(values))
        if embeddings.ndim != 2 or embeddings.shape[1] != self.encoder.width:
            shape = " x ".join(map(str, embeddings.shape))
            raise ValueError(
                f"{name}: received {shape} numbers; give embeddings of width {self.encoder.width}"
            )
        if not np.isfinite(embeddings).all():
            raise ValueError(f"{name}: received embeddings with NaN or infinity; leave those rows out")
        return embeddings


def _chunks(lengths: Sequence[int], most: int) -> list[slice]:
    """Cut rows into chunks of at most `most`, and of CHUNK_CHARACTERS, but for a longer row.

    Args:
        lengths: of each row, in characters.
        most: rows of a chunk.
    """
    starts, n_characters = [0], 0
    for row, length in enumerate(lengths):
        n_characters += length
        if row - starts[-1] == most or (n_characters > CHUNK_CHARACTERS and row > starts[-1]):
            starts.append(row)
            n_characters = length
    return [slice(*bounds) for bounds in itertools.pairwise([*starts, len(lengths)])] if lengths else []


def _raise_first(faults: dict[int, str], n_rows: int) -> None:
    if faults:
        row = min(faults)
        raise ValueError(f"row {row + 1:,} of {n_rows:,}, {faults[row]}")


def _is_embeddings(values: Any) -> bool:
    """Return whether values are rows of numbers, or an array of numbers."""
    if isinstance(values, pd.Series) or _is_of_objects(values):
        values = list(values)
    if isinstance(values, Sequence) and not isinstance(values, str):
        return bool(values) and np.ndim(values[0]) == 1 and _is_embeddings(np.asarray(values[0]))
    if isinstance(values, pd.DataFrame):
        return all(pd.api.types.is_numeric_dtype(dtype) for dtype in values.dtypes)
    if not hasattr(values, "shape"):
        return False
    array = np.asarray(values)
    return array.dtype.kind in "fiu" and array.shape != (0,)


def _is_of_objects(values: Any) -> bool:
    """Return whether values are a column or an array of Python objects, such as rows of numbers."""
    return getattr(getattr(values, "dtype", None), "kind", "") == "O"


def _common_index(*columns: Any) -> pd.Index | None:
    """Return the index of those that are Series; None where none is.

    Raises:
        ValueError: two Series have different indexes, so that rows and labels disagree on what is a pair.
    """
    indexes = [column.index for column in columns if isinstance(column, pd.Series)]
    if len(indexes) == 2 and not indexes[0].equals(indexes[1]):
        raise ValueError("received two Series of different indexes; align them, or give lists")
    return indexes[0] if indexes else None
