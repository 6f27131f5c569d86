"""Clean the lyrics of records, and reject those without lyrics, or with a text that is not their own.

Input: records of `neuralist.ingest.sources.common`. Output: the usable ones with cleaned lyrics and four
more columns, `raw_lyrics`, `removed` (what cleaning removed, by kind), `folded` (the cleaned text's words in
lower case, separated by single spaces) and `n_words`; and a rejects table of the rest.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pandas as pd
import regex

from neuralist.config import params
from neuralist.ingest.sources import common
from neuralist.text import cleaning, equal_texts, names

NOTICES = Path(__file__).with_name("notices.yaml")

_NOTICE_WORDS = 60  # a shorter text that contains a placeholder's phrase is a notice (those seen have 32)
_MIN_WORDS = 8  # shorter texts may be equal by chance


def usable(
    records: pd.DataFrame, source: str, placeholders: Iterable[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Clean lyrics; leave out records without words, with a notice in their place, or another song's text.

    Args:
        records: see `neuralist.ingest.sources.common`.
        source: the records' source, as rejects names it.
        placeholders: phrases of such notices besides notices.yaml; punctuation and case are ignored.

    Raises:
        ValueError: no record is left.
    """
    kept, rejects = sift(records, source, placeholders)
    if kept.empty:
        raise common.all_unusable(source, len(records), rejects)
    return kept, rejects


def sift(
    records: pd.DataFrame,
    source: str,
    placeholders: Iterable[str],
    others: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Do the same as `usable`, also where no record is left.

    Args:
        records: see `usable`.
        source: see `usable`.
        placeholders: see `usable`.
        others: songs with the columns artist, title, folded and n_words, whose text a record must not have
            under an unrelated artist and title; they themselves stay.
    """
    raw = records.lyrics
    cleaned = [cleaning.clean(lyrics) for lyrics in raw.tolist()]
    lyrics = pd.Series([text for text, _ in cleaned], index=records.index, dtype="str")
    folded = _folded(lyrics)
    n_words = _n_words(folded)
    records = records.assign(
        lyrics=lyrics,
        raw_lyrics=raw,
        removed=[removed for _, removed in cleaned],
        folded=folded,
        n_words=n_words,
    )
    named = records.filter(["artist", "title", "folded", "n_words"])
    if others is not None:
        named = pd.DataFrame(pd.concat([others.filter(named.columns), named], ignore_index=True))
    is_ambiguous = _has_ambiguous_owner(named).to_numpy()[len(named) - len(records) :]
    reasons = pd.Series("", index=records.index, dtype="str")
    reasons[is_ambiguous] = "wrong lyrics: one text under unrelated artists and titles"
    reasons[n_words == 0] = "lyrics without a word"
    # Cleaning also removes notices: "[Instrumental]", and the trailer of lyrics cut after some lines.
    folded_raw = _folded(raw.where(lyrics != raw, ""))
    is_notice = _is_notice(folded, placeholders) | _is_notice(folded_raw, placeholders)
    reasons[is_notice] = "wrong lyrics: a notice in their place"
    return records.loc[reasons == ""].reset_index(drop=True), rejected(records, source, reasons)


def rejected(records: pd.DataFrame, source: str, reasons: pd.Series) -> pd.DataFrame:
    """Return rejects (tables.REJECTS) of records with a reason; the value is the id, or artist and title."""
    faulty = records.loc[reasons != ""]
    artist_title = faulty.artist.fillna("") + " - " + faulty.title.fillna("")
    faulty = faulty.assign(value=artist_title.where(faulty.id.isna(), faulty.id))
    return common.rejected(source, faulty, reasons.loc[faulty.index], "value")


def _folded(texts: pd.Series) -> pd.Series:
    return pd.Series([equal_texts.folded(text) for text in texts.tolist()], index=texts.index, dtype="str")


def _n_words(folded: pd.Series) -> pd.Series:
    return (folded.str.count(" ") + (folded != "")).astype("int64")


@cache
def _notices() -> tuple[frozenset[str], frozenset[str]]:
    """Return the folded texts that are notices as a whole, and the phrases of notices; see notices.yaml."""
    by_language = params.read_yaml(NOTICES)
    whole, phrases = (
        frozenset(equal_texts.folded(text) for texts in by_language[kind].values() for text in texts)
        for kind in ("whole", "phrases")
    )
    return whole, phrases


def _is_notice(folded: pd.Series, placeholders: Iterable[str]) -> pd.Series:
    """Return whether each text is a notice, begins with a notice's phrase, or is short and contains one."""
    whole, known_phrases = _notices()
    phrases = sorted(known_phrases | {equal_texts.folded(text) for text in placeholders} - {""})
    any_phrase = regex.compile(r"(?<!\S)(?:" + "|".join(map(regex.escape, phrases)) + r")(?!\S)")
    first_words = {phrase.partition(" ")[0] for phrase in phrases}

    def is_notice(text: str) -> bool:
        if text.count(" ") >= _NOTICE_WORDS - 1:
            return any_phrase.match(text) is not None
        if first_words.isdisjoint(text.split()):  # most texts, which the pattern takes ten times as long for
            return text in whole
        return text in whole or any_phrase.search(text) is not None

    return pd.Series([is_notice(text) for text in folded.tolist()], index=folded.index, dtype=bool)


def _has_ambiguous_owner(records: pd.DataFrame) -> pd.Series:
    """Return whether each record's text is also that of a record with unrelated artist and title.

    Nobody can tell whose text it is, so all records that share it are marked. Covers have related titles, an
    artist's repeated songs a related artist. Records without artist or title are not compared.
    """
    ambiguous = pd.Series(data=False, index=records.index)
    named = records.loc[records.artist.notna() & records.title.notna() & (records.n_words >= _MIN_WORDS)]
    shared = named.loc[named.folded.duplicated(keep=False)]
    for _, same in shared.groupby("folded", sort=False):
        first = same.iloc[0]
        ambiguous[same.index] = not all(
            names.related(title, first.title) or names.related(artist, first.artist)
            for artist, title in zip(same.artist, same.title, strict=True)
        )
    return ambiguous
