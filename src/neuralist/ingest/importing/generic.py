"""Rows of a table -> texts, pairs and the rows left out, and these as a folder of the generic form."""

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import yaml

from neuralist.config import corpus
from neuralist.files import named, temporary_folder
from neuralist.ingest.importing import files, grades, roles
from neuralist.ingest.importing.files import Fault, Table
from neuralist.ingest.importing.grades import Range
from neuralist.ingest.importing.roles import Roles
from neuralist.ingest.sources.common import shortened
from neuralist.text import cleaning, equal_texts, names

LEFT_OUT = "left_out.csv"
EXAMPLES = 3  # rows shown
_DIGITS = 12  # of a text's hash; more where two texts have the same ones


class Column(NamedTuple):
    """A column of the file: its name, what it is read as, and its fields in the example rows."""

    name: str
    role: str
    examples: list[str]


@dataclass(frozen=True)
class Imported:
    """What a file became.

    Attributes:
        form: of the file, in words.
        columns: of the file.
        places: of the example rows.
        texts: id, text, and what is known of them: artist, title, year, tags, language.
        pairs: left_id, right_id, similarity and perhaps split; None where a row is one text.
        range: of the grades; None without pairs.
        left_out: rows that are in neither table.
        notes: what a reader should know.
    """

    form: str
    columns: list[Column]
    places: list[str]
    texts: pd.DataFrame
    pairs: pd.DataFrame | None
    range: Range | None
    left_out: list[Fault]
    notes: list[str] = field(default_factory=list)


def make(table: Table, column_roles: Roles, name: str) -> Imported:
    """Make texts and pairs of a table.

    Args:
        table: of the file, or of several files in a row.
        column_roles: what its columns are.
        name: of the file, for messages.

    Raises:
        ValueError: no row can be used, or the scale of the grades is not clear.
    """
    rows = table.rows.reset_index(drop=True)
    made = _pairs(rows, column_roles, name) if column_roles.is_pairs else _texts(rows, column_roles)
    reasons = zip(table.where, made.reasons.tolist(), made.values.tolist(), strict=True)
    faults = [(place, reason, shortened(value)) for place, reason, value in reasons if reason]
    if len(faults) == len(rows):
        place, reason, value = faults[0]
        raise ValueError(
            f"{name}: none of its {len(rows):,} rows can be used; the first, {place}: {reason} ({value!r})"
        )
    shown = np.flatnonzero((made.reasons == "").to_numpy())[:EXAMPLES].tolist()
    examples = rows.iloc[shown]
    if "text" in column_roles.columns:
        lyrics = column_roles.columns["text"]
        examples = examples.assign(**{lyrics: [cleaning.clean(raw).text for raw in examples[lyrics]]})
    columns = [
        Column(column, column_roles.role(column), [shortened(value) for value in examples[column]])
        for column in rows.columns
    ]
    return Imported(
        form=": ".join(filter(None, [column_roles.form, table.form])),
        columns=columns,
        places=[table.where[row] for row in shown],
        texts=made.texts,
        pairs=made.pairs,
        range=made.range,
        left_out=[*table.faults, *faults],
        notes=[*table.notes, *made.notes],
    )


class _Made(NamedTuple):
    """Tables, and why each row is left out: a reason or nothing, and the value that it is for."""

    texts: pd.DataFrame
    pairs: pd.DataFrame | None
    range: Range | None
    reasons: pd.Series
    values: pd.Series
    notes: list[str]


def plain(fields: pd.Series) -> pd.Series:
    """Return texts with single line feeds as line ends, and no white space around: equal ones have one id."""
    with_ends = fields.str.replace("\r\n", "\n", regex=False).str.replace("\r", "\n", regex=False)
    return with_ends.str.strip()


def _pairs(rows: pd.DataFrame, column_roles: Roles, name: str) -> _Made:
    left_name, right_name, score_name = (column_roles.columns[role] for role in ("left", "right", "score"))
    split_name = column_roles.columns.get("split")
    left, right, read = (
        plain(files.column(rows, left_name)),
        plain(files.column(rows, right_name)),
        grades.read(files.column(rows, score_name)),
    )
    scale = column_roles.range or _observed(read, f"{name}: column {score_name!r}")
    why = _Reasons(left)
    why.add(left == right, "both texts are the same", left)
    why.add(~read.values.between(scale.low, scale.high), _outside(scale), files.column(rows, score_name))
    why.add(read.values.isna(), "the grade is no number", files.column(rows, score_name))
    why.add(read.is_missing, "no grade", files.column(rows, score_name))
    split = roles.split_of(files.column(rows, split_name)) if split_name else None
    if split_name and split is not None:
        why.add(split == "", "the split is not train, val or test", files.column(rows, split_name))
    for side, texts, other in (("right", right, left), ("left", left, right)):
        why.add(~texts.map(_is_encodable), f"the {side} text holds half of a character", other)
        why.add(texts == "", f"the {side} text is empty", other)
    used = why.reasons == ""
    sides = np.column_stack([left.loc[used].to_numpy(object), right.loc[used].to_numpy(object)])
    codes, texts = pd.factorize(sides.ravel())
    ids = np.array(_hashes(texts.tolist()), dtype=object)
    written = [grades.written(value) for value in read.values.loc[used].tolist()]
    columns = {"left_id": ids[codes[::2]], "right_id": ids[codes[1::2]], "similarity": written}
    if split is not None:
        columns["split"] = split.loc[used].to_numpy(object)
    notes = [read.form] if read.form else []
    notes += _repeats(codes.reshape(-1, 2))
    return _Made(
        pd.DataFrame({"id": ids, "text": texts}),
        pd.DataFrame(columns),
        scale,
        why.reasons,
        why.values,
        notes,
    )


def _repeats(pairs: np.ndarray) -> list[str]:
    """Return a note on pairs that are listed again, (n_pairs, 2); nothing where none is."""
    n_repeated = len(pairs) - len(np.unique(np.sort(pairs, axis=1), axis=0))
    if not n_repeated:
        return []
    return [
        f"pairs listed again, as they are or turned round: {n_repeated:,}; the pipeline uses each pair "
        "once, with the mean of its grades"
    ]


def _observed(read: grades.Grades, name: str) -> Range:
    """Return the range of the grades that can be read.

    Raises:
        ValueError: there is none, or their scale is not clear.
    """
    values = read.values.dropna()
    if values.empty:
        raise ValueError(f"{name} holds no grade that can be read; give numbers, or yes and no")
    return grades.observed_range(values, name)


def _outside(scale: Range) -> str:
    return f"the grade is not from {scale.low:g} to {scale.high:g}"


class _Reasons:
    """Why each row is left out; a reason that is added later goes first."""

    def __init__(self, rows: pd.Series) -> None:
        self.reasons = pd.Series("", index=rows.index, dtype=object)
        self.values = pd.Series("", index=rows.index, dtype=object)

    def add(self, is_faulty: pd.Series, reason: str, values: pd.Series) -> None:
        self.reasons = self.reasons.mask(is_faulty, reason)
        self.values = self.values.mask(is_faulty, values)


def _texts(rows: pd.DataFrame, column_roles: Roles) -> _Made:
    text = plain(files.column(rows, column_roles.columns["text"]))
    facts = [role for role in roles.TEXT_ROLES if role in column_roles.columns and role not in ("id", "text")]
    known = {role: plain(files.column(rows, column_roles.columns[role])) for role in facts}
    # As the pipeline reads them: without headers, times and notes.
    folded = text.map(lambda raw: equal_texts.folded(cleaning.clean(raw).text))
    artist, title = (known.get(role, pd.Series("", index=rows.index)) for role in ("artist", "title"))
    label = artist + " - " + title
    why = _Reasons(text)
    slug = artist.map(_slug) + title.map(_slug).radd("--").where(artist != "", title.map(_slug))
    if "id" in column_roles.columns:
        ids = plain(files.column(rows, column_roles.columns["id"]))
        why.add(ids.duplicated(), "repeat of an earlier id", ids)
        why.add(ids == "", "no id", text)
    else:
        repeated = pd.DataFrame({"folded": folded, "slug": slug}).duplicated()
        why.add(repeated, "repeat of an earlier song or text", label.where(label != " - ", text))
    why.add(folded == "", "no word in its text", label.where(label != " - ", text))
    why.add(~text.map(_is_encodable), "the text holds half of a character", label)
    why.add(text == "", "the text is empty", label.where(label != " - ", ""))
    used = why.reasons == ""
    if "id" not in column_roles.columns:
        ids = _named_ids(slug[used].tolist(), text[used].tolist())
    else:
        ids = plain(files.column(rows, column_roles.columns["id"]))[used].tolist()
    columns = {"id": ids, "text": text[used].tolist()}
    columns |= {role: [" ".join(value.split()) for value in known[role][used].tolist()] for role in facts}
    return _Made(pd.DataFrame(columns, dtype=object), None, None, why.reasons, why.values, [])


def _slug(name: str) -> str:
    return names.slug_part(name) if name else ""


def _named_ids(slugs: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Return ids of texts: artist--title; with the hash of the text where that is taken, or alone."""
    taken: set[str] = set()
    ids = []
    for slug, code in zip(slugs, _hashes(texts), strict=True):
        text_id = slug if slug and slug not in taken else "--".join(filter(None, [slug, code]))
        taken.add(text_id)
        ids.append(text_id)
    return ids


def _hashes(texts: Sequence[str]) -> list[str]:
    """Return an id of each text that depends on it alone, so that a longer file keeps those of a shorter."""
    codes = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    n_digits = _DIGITS
    while len({code[:n_digits] for code in codes}) < len(set(codes)):
        n_digits += 1
    # A letter goes first: 12e45 would be a number to a spreadsheet.
    return [f"t{code[:n_digits]}" for code in codes]


def _is_encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def write(imported: Imported, folder: Path, source: str, *, replace: bool = False) -> None:
    """Write the generic form to a new folder, whole or not at all.

    Args:
        imported: what is written.
        folder: to write.
        source: the name of the file, for the note in corpus.yaml.
        replace: whether it may be the folder of an earlier import. Its texts, and its pairs where there are
            new ones, are replaced, each file whole or not at all; corpus.yaml and other files stay.

    Raises:
        ValueError: the folder is there already, or with `replace` is of no import.
    """
    check_out(folder, replace=replace)
    with named(folder), temporary_folder(folder.resolve().parent, ".import-") as unfinished:
        made = unfinished / "made"
        made.mkdir()
        _write_csv(made / "texts.csv", imported.texts.columns, _rows(imported.texts))
        if imported.pairs is not None and imported.range is not None:
            _write_csv(made / "pairs.csv", imported.pairs.columns, _rows(imported.pairs))
            (made / corpus.FILE).write_text(_corpus(imported.range, source), encoding="utf-8")
        if imported.left_out:
            _write_csv(made / LEFT_OUT, ("where", "reason", "value"), imported.left_out)
        if replace and folder.exists():
            _put_into(made, folder)
        else:
            made.rename(folder)


def _put_into(made: Path, folder: Path) -> None:
    """Move the files of an import over those of an earlier one; its corpus.yaml, perhaps edited, stays."""
    if (folder / corpus.FILE).exists():
        (made / corpus.FILE).unlink(missing_ok=True)
    if not (made / LEFT_OUT).exists():
        (folder / LEFT_OUT).unlink(missing_ok=True)
    # texts.csv before pairs.csv, which names its rows, lest a kill in between leave pairs of unknown texts.
    for path in sorted(made.iterdir(), reverse=True):
        path.replace(folder / path.name)


def check_out(folder: Path, *, replace: bool) -> None:
    """Refuse a folder that is there already; with `replace`, one that is of no import.

    Raises:
        ValueError: it is.
    """
    if not folder.exists() and not folder.is_symlink():
        return
    if not replace:
        raise ValueError(f"{folder}: exists already; name a new folder, or give --replace")
    if not (folder / "texts.csv").is_file():
        raise ValueError(
            f"{folder}: --replace: no texts.csv there, so it is of no import; name that folder, or a new one"
        )


def kept_range(folder: Path, given: Range | None) -> Range | None:
    """Return the range of the grades that the corpus.yaml of an earlier import names; without one `given`.

    Raises:
        ValueError: `given` is another one, or corpus.yaml is damaged.
    """
    path = folder / corpus.FILE
    ends = corpus.read(folder).values.get("similarity_range")
    if ends is None:
        return given
    is_range = isinstance(ends, list) and len(ends) == 2 and all(isinstance(end, int | float) for end in ends)
    if not is_range or ends[0] >= ends[1]:
        raise ValueError(f"{path}: similarity_range is {ends!r:.80}; name the lowest and the highest grade")
    low, high = map(float, ends)
    if given is not None and (given.low, given.high) != (low, high):
        raise ValueError(
            f"{path}: similarity_range is {grades.written(low)} to {grades.written(high)}, and --range "
            "another one; leave --range out, or change corpus.yaml"
        )
    return Range(low, high, f"as {path} says")


def _rows(table: pd.DataFrame) -> Iterable[tuple[str, ...]]:
    return zip(*(files.column(table, name).tolist() for name in table.columns), strict=True)


def _write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _corpus(scale: Range, source: str) -> str:
    note = yaml.safe_dump({"note": f"Imported from {source}."}, allow_unicode=True, width=10_000)
    low, high = (grades.written(float(end)) for end in (scale.low, scale.high))
    return f"{note}# The range of the grades: {scale.source}.\nsimilarity_range: [{low}, {high}]\n"
