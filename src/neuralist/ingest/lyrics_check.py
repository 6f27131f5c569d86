"""Reject records without lyrics, or with a text that is not their own.

Input: records of `neuralist.ingest.sources.common`. Output: the usable ones with two more columns, `folded`
(the text's words in lower case, separated by single spaces) and `n_words`; and a rejects table of the rest.
"""

from collections.abc import Iterable

import pandas as pd

from neuralist.ingest.sources import common
from neuralist.text import names, tokenizer

_NOTICE_WORDS = 60  # a shorter text that contains a placeholder's phrase is a notice (those seen have 32)
_MIN_WORDS = 8  # shorter texts may be equal by chance


def usable(
    records: pd.DataFrame, source: str, placeholders: Iterable[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leave out records without words, with a notice in place of lyrics, or with another song's text.

    Args:
        records: see `neuralist.ingest.sources.common`.
        source: the records' source, as rejects names it.
        placeholders: phrases of such notices; punctuation and case are ignored.

    Raises:
        ValueError: no record is left.
    """
    texts = [" ".join(tokenizer.words(lyrics)) for lyrics in records.lyrics.tolist()]
    folded = pd.Series(texts, index=records.index, dtype="str")
    n_words = (folded.str.count(" ") + (folded != "")).astype("int64")
    records = records.assign(folded=folded, n_words=n_words)
    reasons = pd.Series("", index=records.index, dtype="str")
    reasons[_has_ambiguous_owner(records)] = "wrong lyrics: one text under unrelated artists and titles"
    reasons[_is_notice(folded, n_words, placeholders)] = "wrong lyrics: a notice in their place"
    reasons[n_words == 0] = "lyrics without a word"
    rejects = rejected(records, source, reasons)
    if len(rejects) == len(records):
        raise common.all_unusable(source, len(records), rejects)
    return records.loc[reasons == ""].reset_index(drop=True), rejects


def rejected(records: pd.DataFrame, source: str, reasons: pd.Series) -> pd.DataFrame:
    """Return rejects (tables.REJECTS) of records with a reason; the value is the id, or artist and title."""
    faulty = records.loc[reasons != ""]
    artist_title = faulty.artist.fillna("") + " - " + faulty.title.fillna("")
    faulty = faulty.assign(value=artist_title.where(faulty.id.isna(), faulty.id))
    return common.rejected(source, faulty, reasons.loc[faulty.index], "value")


def _is_notice(folded: pd.Series, n_words: pd.Series, placeholders: Iterable[str]) -> pd.Series:
    """Return whether each text begins with a placeholder's phrase, or is short and contains one."""
    is_notice = pd.Series(data=False, index=folded.index)
    for placeholder in placeholders:
        phrase = " ".join(tokenizer.words(placeholder))
        begins = (folded + " ").str.startswith(phrase + " ")
        contains = (" " + folded + " ").str.contains(f" {phrase} ", regex=False)
        is_notice |= begins | (contains & (n_words < _NOTICE_WORDS))
    return is_notice


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
