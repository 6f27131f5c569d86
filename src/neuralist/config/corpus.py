"""What a raw folder says of itself: corpus.yaml, and whether its pairs.csv gives the split.

corpus.yaml: `note`, one sentence that stands above every table made from the corpus; `epochs`, for
experiments whose epochs are `auto`; all other keys are those of params.yaml and lie over it
(similarity_range, expected, vectors, experiments, ...). A given split makes `given` the one protocol.
"""

import csv
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from neuralist.config import params, records, renamed
from neuralist.config.records.corpus import CorpusNote, Epochs, OneLine

FILE = "corpus.yaml"


class Corpus(CorpusNote):
    """A raw folder's own words; the defaults stand where it has no corpus.yaml.

    Attributes:
        note: one sentence for readers.
        epochs: of a training whose epochs are auto.
        values: to lay over params.yaml.
        given: whether pairs.csv gives the split.
    """

    note: OneLine = ""
    epochs: Epochs = params.AUTO_EPOCHS
    values: dict[str, Any] = Field(default_factory=dict)
    given: bool = False


def read(raw: Path) -> Corpus:
    """Read the raw folder's corpus.yaml, if there is one, and look for a split in its pairs.csv.

    Raises:
        ValueError: corpus.yaml is no YAML mapping, its note or epochs are refused, or it has a key of
            an earlier version.
    """
    path = raw / FILE
    values = params.read_yaml(path) if path.exists() else {}
    renamed.refuse(values, path)
    own = {key: values.pop(key) for key in ("note", "epochs") if key in values}
    try:
        return Corpus(**own, values=values, given=gives_split(raw))
    except ValidationError as error:
        raise ValueError(f"{path}: {params.told(error)}") from None


def gives_split(raw: Path) -> bool:
    """Whether pairs.csv has a column split with a value in it: as a rule, the first row tells.

    False also for a file that cannot be read so far; the songs stage says what is wrong with it.
    """
    try:
        with (raw / "pairs.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            header = [name.strip().lower() for name in next(rows, [])]
            if "split" not in header:
                return False
            column = header.index("split")
            return any(row[column].strip() for row in rows if len(row) == len(header))
    except (OSError, UnicodeDecodeError, csv.Error):
        return False


def save(corpus: Corpus, path: Path) -> None:
    """Write what later stages need of it, as `load` reads it."""
    records.save(CorpusNote(note=corpus.note, epochs=corpus.epochs), path)


def load(path: Path) -> CorpusNote:
    """Read what the songs stage wrote with `save`.

    Raises:
        ValueError: the file is missing or damaged.
    """
    return records.load(path, CorpusNote)


def laid_over(values: dict[str, Any], corpus: Corpus) -> dict[str, Any]:
    """params.yaml with the corpus' values; all experiments of its own are run, unless it says `run` too."""
    merged = params.overlay(values, corpus.values)
    if "experiments" in corpus.values and "run" not in corpus.values:
        merged["run"] = list(merged["experiments"])
    if "experiments" in corpus.values and merged["study"]["experiment"] not in merged["experiments"]:
        merged["study"] = merged["study"] | {"experiment": corpus.values.get("study", {}).get("experiment")}
    return merged


def under_given(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """params.yaml with `given` as the one protocol, whose target is the listed pairs.

    Args:
        values: of params.yaml, checked.

    Returns:
        The values, and the experiments of `run` by the first one that is equal by now: this one stays.
    """
    values = _without_protocol(values)
    values["train"] |= {"protocol": "given", "target": "listed_only"}
    equal: dict[str, list[str]] = {}
    for name in values["run"]:
        own = values["train"] | values["experiments"][name]
        first = (one for one in equal if values["train"] | values["experiments"][one] == own)
        equal.setdefault(next(first, name), []).append(name)
    drawn = values["songmap"]["experiment"]
    kept = next((first for first, names in equal.items() if drawn in names), drawn)
    return values | {"run": list(equal), "songmap": values["songmap"] | {"experiment": kept}}, equal


def _without_protocol(values: dict[str, Any]) -> dict[str, Any]:
    def rest(section: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in section.items() if key not in ("protocol", "target")}

    experiments = {name: rest(own) for name, own in values["experiments"].items()}
    return values | {"train": rest(values["train"]), "experiments": experiments}


def check(corpus: Corpus, raw: Path, path: Path) -> None:
    """Refuse a params.yaml that does not fit the raw folder: its corpus.yaml, or the split it gives.

    What is run, and whose encoder draws the map, is the user's choice.

    Raises:
        ValueError: params.yaml is refused by itself; or the first key that differs from corpus.yaml, with
            both values; or the experiments whose protocol does not fit.
    """
    settings, found = params.load(path), params.read_yaml(path)
    merged = params.overlay(found, corpus.values)
    merged["songmap"] = merged["songmap"] | {"experiment": found["songmap"]["experiment"]}
    merged |= {"run": found["run"]}
    if corpus.given:
        found, merged = _without_protocol(found), _without_protocol(merged)
    difference = _first_difference(found, merged)
    if difference:
        key, have, want = difference
        raise ValueError(
            f"{raw / FILE}: {key} is {want!r} there and {have!r} in {path.name}; copy the values of "
            f"{FILE} into {path.name}, or run `make repro RAW={raw}`, which lays them over it"
        )
    _check_protocol(corpus, raw, settings)


def _check_protocol(corpus: Corpus, raw: Path, settings: params.Params) -> None:
    protocols = {name: settings.experiment(name).protocol for name in settings.run}
    protocols["train"] = settings.train.protocol
    wrong = ", ".join(name for name, one in protocols.items() if (one == "given") != corpus.given)
    if wrong and corpus.given:
        raise ValueError(
            f"{raw / 'pairs.csv'} gives the split, so its one protocol is given, and params.yaml has another "
            f"for {wrong}: set train.protocol to given and take `protocol` out of the experiments, or run "
            f"`make repro RAW={raw}`, which does so in a workspace"
        )
    if wrong:
        raise ValueError(
            f"params.yaml: protocol given for {wrong}, but {raw} gives no split: choose songs or paper, or "
            "fill a column split of pairs.csv with train, val and test"
        )


def _first_difference(
    left: dict[str, Any], right: dict[str, Any], prefix: str = ""
) -> tuple[str, Any, Any] | None:
    for key in [*left, *(key for key in right if key not in left)]:
        have, want = left.get(key), right.get(key)
        if have == want:
            continue
        if isinstance(have, dict) and isinstance(want, dict):
            return _first_difference(have, want, f"{prefix}{key}.")
        return f"{prefix}{key}", have, want
    return None
