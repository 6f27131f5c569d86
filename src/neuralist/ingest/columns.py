"""Find the columns that raw tables and the commands need, by the names that people give them.

A known name in another case, or with other separators, is taken: "Lyrics A" is lyrics_a. A common other name
or a slip of typing is not, for what stands under it would be a guess; the message on a missing column, and
the songs stage's line on columns not read, say which it may be.
"""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

# Known column: its common other names.
_OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "id": ("song_id", "text_id", "track_id", "doc_id", "uid", "key", "number", "index"),
    "text": ("lyrics", "lyric", "song_lyrics", "sentence", "content", "body", "document"),
    "lyrics": ("lyric", "song_lyrics", "text"),
    "lyrics_a": ("text_a", "sentence_a", "song_a", "lyrics1", "text1", "sentence1", "question1", "a", "left"),
    "lyrics_b": (
        "text_b",
        "sentence_b",
        "song_b",
        "lyrics2",
        "text2",
        "sentence2",
        "question2",
        "b",
        "right",
    ),
    "left_id": ("id_a", "a_id", "id1", "qid1", "song_id_1", "source", "source_id", "left", "a"),
    "right_id": ("id_b", "b_id", "id2", "qid2", "song_id_2", "target", "target_id", "right", "b"),
    "similarity": ("score", "grade", "rating", "label", "relatedness", "relatedness_score", "is_duplicate"),
    "artist": ("artist_name", "artists", "singer", "band", "performer"),
    "title": ("song", "song_title", "song_name", "track", "track_name", "name"),
    "year": ("date", "release_date", "release_year", "released"),
    "tags": ("genre", "genres", "style", "styles"),
    "language": ("lang", "locale"),
    "has_list": (),
    "split": ("fold", "set", "subset", "partition"),
}
_CLOSE = 0.75  # difflib's ratio, 1 for equal names: yaer is near year, moods is not near tags
_LONGEST, _MOST = 60, 20  # characters of a name, and names, that a message lists
_SEPARATORS = re.compile(r"[\W_]+")


def _folded(name: str) -> str:
    return _SEPARATORS.sub("", name.casefold())


_CANONICAL = {_folded(name): name for name in _OTHER_NAMES}


def canonical(name: str) -> str:
    """Return the known column that a name is in another spelling; any other name in lower case."""
    return _CANONICAL.get(_folded(name), name.strip().lower())


def header(names: Sequence[str]) -> list[str]:
    """Return the names of a table's columns: a known one for another spelling, unless it is there itself."""
    plain = [name.strip().lower() for name in names]
    return [own if canonical(own) in plain else canonical(own) for own in plain]


def locate(names: Sequence[str], required: Sequence[str]) -> dict[str, str]:
    """Return the name in a table of each required column; one of exactly this name goes first.

    Raises:
        ValueError: a column is missing, or two are another spelling of it.
    """
    spellings: dict[str, list[str]] = {}
    for name in names:
        spellings.setdefault(_folded(name), []).append(name)
    places = {name: [name] if name in names else spellings.get(_folded(name), []) for name in required}
    repeated = [spelled for spelled in places.values() if len(spelled) > 1]
    if repeated:
        raise ValueError(f"columns {shown(repeated[0])} are one name in two spellings; rename one of them")
    if not all(places.values()):
        raise ValueError(missing(names, [name for name in required if not places[name]]))
    return {name: spelled for name, [spelled] in places.items()}


def missing(names: Sequence[str], required: Sequence[str]) -> str:
    """Return the sentence on required columns that a table lacks, with those that may be meant for them."""
    message = f"columns {list(required)} are missing; found {shown(names)}"
    guesses = [
        f"{name!r} to {column!r}" for column in required for name in names if _is_other_name(name, column)
    ]
    return message + (f"; if they hold the same, rename {', '.join(guesses)}" if guesses else "")


def shown(names: Sequence[str]) -> str:
    """Return names as a message lists them: of many the first, of long ones the beginning."""
    cut = [name if len(name) <= _LONGEST else f"{name[:_LONGEST]}..." for name in names[:_MOST]]
    return f"{cut}{f' and {len(names) - _MOST:,} more' if len(names) > _MOST else ''}"


def near(name: str, columns: Iterable[str]) -> str | None:
    """Return the column that a name may be meant for: a common other name of it, or nearly its spelling."""
    folded = {_folded(column): column for column in columns}
    other = next((column for column in folded.values() if _is_other_name(name, column)), None)
    if other or canonical(name) in _OTHER_NAMES:
        return other
    close = get_close_matches(_folded(name), folded, n=1, cutoff=_CLOSE)
    return folded[close[0]] if close else None


def _is_other_name(name: str, column: str) -> bool:
    return _folded(name) in map(_folded, _OTHER_NAMES.get(column, ()))
