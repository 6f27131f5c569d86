"""Read the settings of a raw folder, corpus.yaml, and check that params.yaml fits them.

corpus.yaml: `note`, a sentence printed above every table made from the corpus; `epochs`, for experiments
whose epochs are `auto`; all other keys are those of params.yaml and override it (similarity_range, expected,
vectors, experiments, ...). Where pairs.csv gives the split, `given` is the only protocol.
"""

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from neuralist.config import params, records, renamed
from neuralist.config.experiment import unknown_key
from neuralist.config.records.corpus import CorpusNote, Epochs, OneLine
from neuralist.excerpts import excerpt

FILE = "corpus.yaml"
OWN = ("note", "epochs")  # its keys that params.yaml does not have


class Corpus(CorpusNote):
    """The settings of a raw folder; the defaults hold where it has no corpus.yaml.

    Attributes:
        note: one sentence for readers.
        epochs: of a training whose epochs are auto.
        values: overrides of params.yaml.
    """

    note: OneLine = ""
    epochs: Epochs = params.AUTO_EPOCHS
    values: dict[str, Any] = Field(default_factory=dict)


def read(raw: Path) -> Corpus:
    """Read the raw folder's corpus.yaml, if there is one.

    Raises:
        ValueError: corpus.yaml is not a YAML mapping, its note or epochs are invalid, it names a database,
            or it has a key of an earlier version, or one that there is not.
    """
    path = raw / FILE
    values = params.read_yaml(path) if path.exists() else {}
    renamed.refuse(values, path)
    study = values.get("study")
    if isinstance(study, dict) and "storage" in study:
        raise ValueError(
            f"{path}: study.storage: a raw folder is data and names no database; remove it from {FILE}, and "
            "set study.storage in params.yaml"
        )
    own = {key: values.pop(key) for key in OWN if key in values}
    known = [*OWN, *(field.alias or name for name, field in params.Params.model_fields.items())]
    unknown = "; ".join(f"{key}: {unknown_key(key, known)}" for key in values if key not in known)
    if unknown:
        raise ValueError(f"{path}: {unknown}")
    try:
        return Corpus(**own, values=values)
    except ValidationError as error:
        raise ValueError(f"{path}: {params.message(error)}") from None


def save(corpus: Corpus, path: Path) -> None:
    """Write what later stages need of it, as `load` reads it."""
    records.save(CorpusNote(note=corpus.note, epochs=corpus.epochs), path)


def load(path: Path) -> CorpusNote:
    """Read what the songs stage wrote with `save`.

    Raises:
        ValueError: the file is missing or damaged.
    """
    return records.load(path, CorpusNote)


def merge_params(values: dict[str, Any], corpus: Corpus) -> dict[str, Any]:
    """Return params.yaml with the corpus' overrides; runs all its experiments unless it sets `run` too.

    Its `study.space` is meant for whatever it runs, so it replaces params.yaml's `study.spaces` too.

    Raises:
        ValueError: a section of keys and values is overridden by something else, such as nothing.
    """
    merged = _overlaid(values, corpus)
    if "experiments" in corpus.values and "run" not in corpus.values:
        merged["run"] = list(merged["experiments"])
    # Looked up in a list, for what is given may have no hash; its type is checked afterwards.
    if "experiments" in corpus.values and merged["study"]["experiment"] not in list(merged["experiments"]):
        merged["study"] = merged["study"] | {"experiment": corpus.values.get("study", {}).get("experiment")}
    study = merged["study"]
    if study.get("spaces") and "spaces" not in corpus.values.get("study", {}):
        # Those of params.yaml, whose experiments the corpus may have replaced.
        kept = {name: space for name, space in study["spaces"].items() if name in merged["experiments"]}
        merged["study"] = study | {"spaces": kept}
    return merged


def _overlaid(values: dict[str, Any], corpus: Corpus) -> dict[str, Any]:
    """Return params.yaml with the corpus' overrides; a study.space of its own replaces study.spaces too.

    Raises:
        ValueError: a section of keys and values is overridden by something else, such as nothing.
    """
    for key, own in corpus.values.items():
        if isinstance(values.get(key), dict) and not isinstance(own, dict):
            raise ValueError(
                f"{FILE}: {key}: received {excerpt(repr(own))}; "
                f"give keys and values, or remove `{key}` from {FILE}"
            )
    merged, own = params.overlay(values, corpus.values), corpus.values.get("study", {})
    if "space" in own and "spaces" not in own:
        merged["study"] = merged["study"] | {"spaces": {}}
    return merged


def with_given_protocol(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return params.yaml with `given` as the only protocol, whose target is the listed pairs.

    Args:
        values: of params.yaml, checked.

    Returns:
        The values, and the experiments of `run` by the first with equal settings, which alone stays.
    """
    values = _without_protocol(values)
    values["train"] |= {"protocol": "given", "target": "listed_only"}
    equal: dict[str, list[str]] = {}
    for name in values["run"]:
        own = values["train"] | values["experiments"][name]
        first = (other for other in equal if values["train"] | values["experiments"][other] == own)
        equal.setdefault(next(first, name), []).append(name)
    mapped = values["songmap"]["experiment"]
    mapped = next((first for first, names in equal.items() if mapped in names), mapped)
    return values | {"run": list(equal), "songmap": values["songmap"] | {"experiment": mapped}}, equal


def _without_protocol(values: dict[str, Any]) -> dict[str, Any]:
    def rest(section: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in section.items() if key not in ("protocol", "target")}

    experiments = {name: rest(own) for name, own in values["experiments"].items()}
    return values | {"train": rest(values["train"]), "experiments": experiments}


def check(corpus: Corpus, raw: Path, path: Path, *, gives_split: bool) -> None:
    """Check that params.yaml fits the raw folder: its corpus.yaml, and whether its pairs.csv gives the split.

    What is run, and whose encoder draws the map, is the user's choice.

    Raises:
        ValueError: params.yaml is refused by itself; or the first key that differs from corpus.yaml, with
            both values; or the experiments whose protocol does not fit.
    """
    settings, values = params.load(path), params.read_yaml(path)
    merged = _overlaid(values, corpus)
    merged["songmap"] = merged["songmap"] | {"experiment": values["songmap"]["experiment"]}
    merged |= {"run": values["run"]}
    if gives_split:
        values, merged = _without_protocol(values), _without_protocol(merged)
    difference = _first_difference(values, merged)
    if difference:
        key, actual, expected = difference
        raise ValueError(
            f"{raw / FILE}: {key} is {expected!r} there and {actual!r} in {path.name}; copy the values of "
            f"{FILE} into {path.name}, or run `make repro RAW={raw}`, which lays them over it"
        )
    _check_protocol(raw, settings, gives_split=gives_split)


def _check_protocol(raw: Path, settings: params.Params, *, gives_split: bool) -> None:
    protocols = {name: settings.experiment(name).protocol for name in settings.run}
    protocols["train"] = settings.train.protocol
    wrong = ", ".join(name for name, protocol in protocols.items() if (protocol == "given") != gives_split)
    if wrong and gives_split:
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
    for key in left | right:
        actual, expected = left.get(key), right.get(key)
        if actual != expected:
            if isinstance(actual, dict) and isinstance(expected, dict):
                return _first_difference(actual, expected, f"{prefix}{key}.")
            return f"{prefix}{key}", actual, expected
    return None
