"""Which records hold lyrics at all, and which hold the wrong ones.

Input: records of `neuralist.ingest.sources.common`. Output: the usable ones with two more columns, `folded`
(the text's words in lower case between single spaces) and `n_words`; and a rejects table for the others.
"""

from collections.abc import Iterable

import pandas as pd

from neuralist.ingest.sources import common
from neuralist.text import names, tokenizer

_SHORT = 60  # words: a shorter text that holds a placeholder's phrase is one (those seen have 32)
_TELLING = 8  # words: shorter texts may be equal by chance


def usable(
    records: pd.DataFrame, source: str, placeholders: Iterable[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leave out records without words, with a notice in place of lyrics, or with another song's text.

    Args:
        records: see `neuralist.ingest.sources.common`.
        source: their name in rejects.
        placeholders: phrases of such notices; punctuation and case do not matter.

    Raises:
        ValueError: no record is left.
    """
    texts = [" ".join(tokenizer.words(lyrics)) for lyrics in records.lyrics.tolist()]
    folded = pd.Series(texts, index=records.index, dtype="str")
    n_words = (folded.str.count(" ") + (folded != "")).astype("int64")
    records = records.assign(folded=folded, n_words=n_words)
    reasons = pd.Series("", index=records.index, dtype="str")
    reasons[_of_others(records)] = "wrong lyrics: one text under unrelated artists and titles"
    reasons[_is_notice(folded, n_words, placeholders)] = "wrong lyrics: a notice in their place"
    reasons[n_words == 0] = "lyrics without a word"
    rejects = rejected(records, source, reasons)
    if len(rejects) == len(records):
        raise common.all_unusable(source, len(records), rejects)
    return records.loc[reasons == ""].reset_index(drop=True), rejects


def rejected(records: pd.DataFrame, source: str, reasons: pd.Series) -> pd.DataFrame:
    """Rows of rejects for the records that have a reason, with artist and title, or id, as the value."""
    faulty = records.loc[reasons != ""]
    named = faulty.artist.fillna("") + " - " + faulty.title.fillna("")
    value = named.where(faulty.id.isna(), faulty.id).map(common.shortened)
    columns = {"source": source, "where": faulty["where"], "reason": reasons[faulty.index], "value": value}
    return pd.DataFrame(columns, dtype="str")


def _is_notice(folded: pd.Series, n_words: pd.Series, placeholders: Iterable[str]) -> pd.Series:
    """Whether a text is short and holds a placeholder's phrase, or begins with one."""
    found = pd.Series(data=False, index=folded.index)
    for placeholder in placeholders:
        phrase = " ".join(tokenizer.words(placeholder))
        begins = (folded + " ").str.startswith(phrase + " ")
        holds = (" " + folded + " ").str.contains(f" {phrase} ", regex=False)
        found |= begins | (holds & (n_words < _SHORT))
    return found


def _of_others(records: pd.DataFrame) -> pd.Series:
    """Whether a text stands under names unrelated to those of its first record: nobody can tell whose it is.

    Covers have related titles, an artist's own songs a related artist. Records without names are not
    compared.
    """
    found = pd.Series(data=False, index=records.index)
    named = records.loc[records.artist.notna() & records.title.notna() & (records.n_words >= _TELLING)]
    shared = named.loc[named.folded.duplicated(keep=False)]
    for _, same in shared.groupby("folded", sort=False):
        first = same.iloc[0]
        unrelated = [
            not (names.related(title, first.title) or names.related(artist, first.artist))
            for artist, title in zip(same.artist, same.title, strict=True)
        ]
        if any(unrelated):
            found[same.index] = True
    return found
