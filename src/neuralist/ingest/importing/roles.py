"""Which column of a table is what: by the publisher's form, the user's flags, names, or what it holds.

Nothing is guessed: where two columns may be the same thing, `resolve` refuses, and names both.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from neuralist.ingest.importing import files, grades
from neuralist.ingest.importing.grades import Range

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "devel", "development", "trial"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
PAIR_ROLES = {"left": "left text", "right": "right text", "score": "grade", "split": "split"}
_FACTS = ("title", "artist", "year", "tags", "language")
TEXT_ROLES = {"id": "id", "text": "text", **{fact: fact for fact in _FACTS}}
# Names by role; a column's own name is compared by its words, in any case and with any separators.
_SCORES = (
    *("similarity", "similarity score", "sim", "score", "grade", "rating", "label", "gold", "gold score"),
    *("gold label", "relatedness", "relatedness score", "is duplicate", "duplicate", "is paraphrase"),
    *("paraphrase", "is similar", "similar", "match", "is match", "quality", "mean score", "average score"),
)
_TEXTS = ("text", "lyrics", "lyric", "song lyrics", "sentence", "content", "body", "document", "words")
_FACT_NAMES = {
    "title": ("title", "song title", "song name", "track title", "track name", "song", "track", "name"),
    "artist": ("artist", "artist name", "artists", "singer", "band", "performer"),
    "year": ("year", "release year", "release date", "released", "date"),
    "tags": ("tags", "genres", "genre", "styles", "style"),
    "language": ("language", "lang", "locale"),
}
_IDS = ("id", "song id", "text id", "track id", "doc id", "uid", "key", "number", "index")
_SPLIT_NAMES = ("split", "set", "subset", "partition", "fold")
# Words that tell the two texts of a pair: question1 and question2, sentence_A and sentence_B.
_SIDES = (
    *(("1", "2"), ("a", "b"), ("left", "right"), ("first", "second"), ("one", "two"), ("source", "target")),
    *(("premise", "hypothesis"), ("anchor", "positive"), ("query", "document"), ("query", "passage")),
)
_WORD = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![^\W\d_A-Z])|\d+")
_NO_GRADE = re.compile(
    r"(?:.*\s)?(?:\w?id|index|idx|no|nr|number|year|date|time|timestamp|fold|unnamed|column)(?:\s\w+)?"
)
# The last two are lists and objects; "[Verse 1] ..." is a text.
_CODE = re.compile(r"""(?=\S*\d)\S+|https?://\S+|\{.*\}|\[(?:\s*["'{\[\d].*)?\]""", re.DOTALL)
_SAMPLE = 20_000  # values that tell what a column holds, evenly from all of it
_ENOUGH = 0.9  # of a column's values: the rest are faults, which are left out


class Form(NamedTuple):
    """A publisher's form: names of columns in lower case, and the range of the grades."""

    name: str
    left: str
    right: str
    score: str
    range: tuple[float, float]
    others: tuple[str, ...] = ()


FORMS = (
    Form("Quora's question pairs", "question1", "question2", "is_duplicate", (0, 1)),
    Form("SICK", "sentence_a", "sentence_b", "relatedness_score", (1, 5)),
    Form("STS-B", "sentence1", "sentence2", "score", (0, 5), ("genre", "filename", "year")),
)


@dataclass(frozen=True)
class Flags:
    """What the user says of the columns: names, or places from 1; and the range of the grades."""

    left: str | None = None
    right: str | None = None
    score: str | None = None
    split: str | None = None
    text: str | None = None
    id: str | None = None
    range: Range | None = None


@dataclass(frozen=True)
class Roles:
    """What the columns of a table are.

    Attributes:
        columns: names of the columns by role, of PAIR_ROLES or of TEXT_ROLES.
        form: the publisher's, or empty.
        range: of the grades, where form or flags tell it.
        kinds: of every column, in words, for those that are not read.
    """

    columns: dict[str, str]
    form: str = ""
    range: Range | None = None
    kinds: dict[str, str] = field(default_factory=dict)

    @property
    def is_pairs(self) -> bool:
        """Whether a row is a pair of texts; else it is one text."""
        return "left" in self.columns

    def role(self, column: str) -> str:
        """Return what a column is read as, in words."""
        labels = PAIR_ROLES | TEXT_ROLES
        role = next((labels[role] for role, name in self.columns.items() if name == column), "")
        return role or f"not read: {self.kinds[column]}"


def resolve(rows: pd.DataFrame, flags: Flags, name: str) -> Roles:
    """Say what each column of a table is.

    Args:
        rows: texts, of any columns.
        flags: what the user says.
        name: of the file, for messages.

    Raises:
        ValueError: a flag names no column, a needed column is missing, or several may be it; the message
            names them, and the flags that settle it.
    """
    table = _Columns(rows, name)
    named = {
        role: table.named(value, f"--{role}")
        for role in (*PAIR_ROLES, "text", "id")
        if (value := getattr(flags, role)) is not None
    }
    _check_flags(named, flags)
    of_texts, of_pairs = {"text", "id"} & {*named}, {"left", "right", "score", "split"} & {*named}
    form = None if of_texts else table.form()
    if form is not None:
        own = {role: table.by_name(getattr(form, role)) for role in ("left", "right", "score")}
        found = own | named
        known = Range(*form.range, f"the scale of {form.name}") if found["score"] == own["score"] else None
        return table.pairs(found, form.name, flags.range or known)
    if of_pairs or (not of_texts and table.holds_pairs()):
        return table.pairs(named, "", flags.range)
    return table.texts(named)


def _check_flags(named: dict[str, str], flags: Flags) -> None:
    both = {"text", "id"} & {*named}
    if both and (flags.range or {*PAIR_ROLES} & {*named}):
        raise ValueError(
            f"--{min(both)} is for single texts; --left, --right, --score, --split and --range are for "
            "pairs; give those of one kind"
        )
    columns = list(named.values())
    repeated = next((column for column in columns if columns.count(column) > 1), None)
    if repeated is not None:
        flags_given = " and ".join(f"--{role}" for role, column in named.items() if column == repeated)
        raise ValueError(f"{flags_given} name one column, {repeated!r}; give each a column of its own")


def words(name: str) -> str:
    """Return the words of a column's name in lower case, between single spaces: textA is text a."""
    return " ".join(_WORD.findall(name)).casefold()


class _Columns:
    """The columns of a table, and what each may be."""

    def __init__(self, rows: pd.DataFrame, name: str) -> None:
        self._rows, self._file = rows, name
        self._names = list(rows.columns)
        self._words = {column: words(column) for column in self._names}
        self._kinds = {
            column: kind(files.column(rows, column), self._words[column]) for column in self._names
        }

    def named(self, given: str, flag: str) -> str:
        """Return the column of this name, in any case, or at this place."""
        same = [column for column in self._names if column == given] or [
            column for column in self._names if column.casefold() == given.casefold()
        ]
        if len(same) == 1:
            return same[0]
        if given.isdigit() and 1 <= int(given) <= len(self._names):
            return self._names[int(given) - 1]
        raise ValueError(f"{self._file}: {flag}: no column {given!r} among {self._list(self._names)}")

    def form(self) -> Form | None:
        """Return the publisher's form of the table, if its columns are of one."""
        lower = {column.casefold() for column in self._names}
        return next(
            (form for form in FORMS if {form.left, form.right, form.score, *form.others} <= lower), None
        )

    def by_name(self, lower: str) -> str:
        return next(column for column in self._names if column.casefold() == lower)

    def holds_pairs(self) -> bool:
        """Return whether a row is a pair of texts.

        Raises:
            ValueError: it may be one text as well.
        """
        if self._sides():
            return True
        sides, scores, text = self._text_candidates(), self._score_candidates(), self._by_names(_TEXTS)
        if len(text) == 1 and not (len(sides) == 2 and len(scores) == 1):
            return False
        if len(text) == 1:
            raise self._ask(
                f"{self._list(sides)} hold texts, and {self._list(scores)} may grade them",
                f"for pairs give --left {_quoted(sides[0])} --right {_quoted(sides[1])}, for single texts "
                f"--text {_quoted(text[0])}",
            )
        return len(sides) == 2 and bool(scores)

    def pairs(self, named: dict[str, str], form: str, known: Range | None) -> Roles:
        """Return the roles in a table of pairs: those named, and the others as the table tells them."""
        found = dict(named)
        if not {"left", "right"} <= {*found}:
            taken = set(found.values())
            sides = [pair for pair in self._sides() if not taken & {*pair}]
            candidates = [column for column in self._text_candidates() if column not in taken]
            if "left" in found or "right" in found:
                missing = "right" if "left" in found else "left"
                found[missing] = self._only(candidates, "holds the other text", f"--{missing}")
            elif len(sides) == 1:
                found["left"], found["right"] = sides[0]
            elif not sides and len(candidates) == 2:
                found["left"], found["right"] = candidates
            else:
                raise self._which_sides(sides, candidates)
        if "score" not in found:
            taken = set(found.values())
            scores = [column for column in self._score_candidates() if column not in taken]
            found["score"] = self._only(scores, "grades the pairs", "--score")
        if "split" not in found:
            taken = set(found.values())
            splits = [column for column in self._names if self._kinds[column] == "split"]
            splits = [column for column in splits if column not in taken]
            if splits:
                found["split"] = self._only(splits, "is the split", "--split")
        ordered = {role: found[role] for role in PAIR_ROLES if role in found}
        return Roles(ordered, form, known, self._described())

    def texts(self, named: dict[str, str]) -> Roles:
        """Return the roles in a table of texts."""
        found = dict(named)
        if "text" not in found:
            taken = set(found.values())
            texts = [column for column in self._by_names(_TEXTS) if column not in taken]
            candidates = [column for column in self._text_candidates() if column not in taken]
            if len(texts) != 1 and len(candidates) >= 2:
                raise self._ask(
                    f"{self._list(candidates)} hold texts, and which of them is meant is not clear",
                    "for pairs name two by --left and --right, and their grade by --score; for a table of "
                    "texts name one by --text",
                )
            found["text"] = self._only(texts if len(texts) == 1 else candidates, "holds texts", "--text")
        if "id" not in found:
            ids = [column for column in self._by_names(_IDS) if column not in found.values()]
            ids = [column for column in ids if _is_key(files.column(self._rows, column))]
            if ids:
                found["id"] = ids[0]
        for fact, names in _FACT_NAMES.items():
            free = [column for column in self._by_names(names) if column not in found.values()]
            if free:
                found[fact] = min(free, key=lambda column: names.index(self._words[column]))
        ordered = {role: found[role] for role in TEXT_ROLES if role in found}
        return Roles(ordered, kinds=self._described())

    def _described(self) -> dict[str, str]:
        row_numbers = {column for column in self._names if self._is_row_number(column)}
        return {
            column: "row numbers" if column in row_numbers else _KIND_WORDS.get(of, of)
            for column, of in self._kinds.items()
        }

    def _sides(self) -> list[tuple[str, str]]:
        """Return pairs of columns that hold texts and whose names differ as those of two sides do."""
        texts = {self._words[column]: column for column in self._names if self._kinds[column] == "text"}
        return [
            (column, texts[other])
            for name, column in texts.items()
            for other in _other_sides(name)
            if other in texts
        ]

    def _text_candidates(self) -> list[str]:
        facts = self._by_names(name for names in _FACT_NAMES.values() for name in names)
        return [column for column in self._names if self._kinds[column] == "text" and column not in facts]

    def _score_candidates(self) -> list[str]:
        """Return columns of grades: those with the name of one, else those of numbers that are no ids."""
        able = [column for column in self._names if self._kinds[column] in ("numbers", "truth")]
        named = [column for column in able if self._words[column] in _SCORES]
        return named or [
            column
            for column in able
            if not _NO_GRADE.fullmatch(self._words[column]) and not self._is_row_number(column)
        ]

    def _is_row_number(self, column: str) -> bool:
        """Return whether a column counts the rows, from any number on."""
        if self._kinds[column] != "numbers":
            return False
        numbers = grades.read(files.column(self._rows, column)).values.to_numpy()
        return len(numbers) > 2 and bool((np.diff(numbers) == 1).all())

    def _by_names(self, names: Iterable[str]) -> list[str]:
        known = set(names)
        return [column for column in self._names if self._words[column] in known]

    def _only(self, candidates: list[str], does: str, flag: str) -> str:
        """Return the only candidate.

        Raises:
            ValueError: there is none, or there are several.
        """
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            raise self._ask(f"more than one column {does}: {self._list(candidates)}", f"name one by {flag}")
        without = ", or score the pairs with neuralist predict" if flag == "--score" else ""
        if flag == "--text" and not self._text_candidates():
            without = "; ids whose texts are in another file belong into pairs.csv, see docs/data.md"
        raise self._ask(f"no column {does} among {self._list(self._names)}", f"name one by {flag}{without}")

    def _which_sides(self, sides: list[tuple[str, str]], candidates: list[str]) -> ValueError:
        if len(candidates) < 2 and not sides:
            return self._ask(
                f"no two columns hold texts among {self._list(self._names)}",
                "name them by --left and --right; ids whose texts are in another file belong into pairs.csv",
            )
        shown = [column for pair in sides for column in pair] if sides else candidates
        return self._ask(
            f"{self._list(dict.fromkeys(shown))} hold texts, and which two are compared is not clear",
            "name them by --left and --right",
        )

    def _ask(self, what: str, fix: str) -> ValueError:
        return ValueError(f"{self._file}: {what}; {fix}")

    def _list(self, columns: Iterable[str]) -> str:
        shown = [_quoted(column) for column in columns]
        return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


_KIND_WORDS = {"truth": "yes and no", "labels": "a label", "codes": "codes", "text": "other text"}


def kind(fields: pd.Series, name: str) -> str:
    """Return what a column holds: nothing, numbers, truth, split, codes, labels or text.

    Args:
        fields: texts.
        name: the column's, as `words` gives it.
    """
    plain = fields.str.strip()
    filled = plain.loc[plain != ""]
    if filled.empty:
        return "nothing"
    filled = filled.iloc[:: -(-len(filled) // _SAMPLE)]
    lower = filled.str.casefold()
    distinct = set(lower.unique())
    is_named = name.split(" ")[-1] in _SPLIT_NAMES
    if distinct <= {*SPLITS} and (len(distinct) > 1 or is_named):
        return "split"
    if is_named and float(lower.isin([*SPLITS]).mean()) >= 0.5:
        return "split"  # the others, such as "unused", are faults
    read = grades.read(filled)
    given = read.values.loc[~read.is_missing]
    if len(given) and float(given.notna().mean()) >= _ENOUGH:
        return "truth" if distinct - grades.MISSING <= {*grades.TRUTH} else "numbers"
    if filled.str.fullmatch(_CODE.pattern, flags=_CODE.flags).mean() >= _ENOUGH:
        return "codes"
    is_short = filled.str.count(r"\S+").mean() < 3
    few = len(distinct) <= min(20, len(filled) // 5)
    return "labels" if is_short and few else "text"


def split_of(fields: pd.Series) -> pd.Series:
    """Return train, val or test, and nothing for a field that says none of them."""
    return fields.str.strip().str.casefold().map(SPLITS).fillna("")


def _other_sides(name: str) -> Iterator[str]:
    """Yield the names of the right text beside a left one of this name: question 2 for question 1."""
    parts = name.split(" ")
    for left, right in _SIDES:
        for place, part in enumerate(parts):
            if part == left:
                yield " ".join([*parts[:place], right, *parts[place + 1 :]])


def _is_key(fields: pd.Series) -> bool:
    plain = fields.str.strip()
    return bool((plain != "").all()) and plain.is_unique


def _quoted(name: str) -> str:
    return f"'{name}'" if "'" not in name else f'"{name}"'
