"""The folder that serves: served.json, its format, and what is done to read a folder of an earlier one.

| format | says so | differs |
|---|---|---|
| 1 | nowhere | settings have the old names of `config.renamed` |
| 2 | served.json, `format` | no `cleaning` in experiment.json: lyrics are read as they come |
| 3 | served.json, `format` | no `group_id` and `first_words` in the catalogue: every song is its own group |
| 4 | served.json, `format` | experiment.json has no `bidirectional` and `fusion`: no .npz file of them |
| 5 | served.json, `format` | |
| 6 | served.json, `format` | no blend.json, no tags in the catalogue: lyrics alone rank songs |
| 7 | served.json, `format` | no drift.json: new songs cannot be compared with those of training |
| 8 | served.json, `format` | no `language` in the catalogue, and no origins.npz: no words can be added |
| 9 | served.json, `format` | no `segmenter_version` in experiment.json: no word of which ICU it read by |
"""

from pathlib import Path
from typing import Any, Literal

from neuralist import files
from neuralist.config import renamed
from neuralist.config.experiment import Protocol, Section
from neuralist.config.records.base import Count, check, load
from neuralist.config.records.drift import DriftReference
from neuralist.config.records.experiment import ExperimentRecord
from neuralist.config.records.metrics import Estimate, MetricName

FORMAT = 10
BLEND, DRIFT = "blend.json", "drift.json"  # of a served folder
Fact = Literal["artist", "year", "tags"]


class ServedModel(Section):
    """The packed experiment, and what people must be told of it.

    Attributes:
        format: of the folder, 1 to FORMAT.
        experiment: its name.
        fingerprint: of its training, 64 hex digits.
        corpus_note: what the corpus says of itself.
        threshold: similarity in [0, 1] from which two songs count as similar, of the best F1 on val.
        metric: that chose the experiment.
        value: of the metric on val.
        protocol: how pairs were split.
        beats_baselines: whether val shows a lead by the metric over every one of selection.RIVALS where the
            difference is defined, and over one at least.
        lags: those of RIVALS over which it shows none.
        n_pairs: pairs of each split.
        quantiles: similarities at 0, 1, ..., 100 % of the pairs of songs of the catalogue, a song a group.
        content: SHA-256 of the folder's other files, 64 hex digits.
    """

    format: int
    experiment: str
    fingerprint: str
    corpus_note: str
    threshold: float
    metric: MetricName
    value: Estimate
    protocol: Protocol
    beats_baselines: bool
    lags: tuple[str, ...]
    n_pairs: dict[str, Count]
    quantiles: tuple[float, ...]
    content: str


class BlendPart(Section):
    """How lyrics and some facts of a query make a score (`model.blend.Weighing`), and what val shows of it.

    Attributes:
        facts: of the query.
        intercept: of the score's log-odds.
        lyrics: the weight of the log-odds of the similarity.
        weights: of the nearness by each fact.
        average: the nearness that stands for a fact that a candidate lacks.
        alone: metric to its value on val by lyrics alone, judged on songs that nothing was learned from.
        blended: metric to its value by the score.
        shown: whether the score is better by each metric, by more than a standard error over the folds.
    """

    facts: tuple[Fact, ...]
    intercept: float
    lyrics: float
    weights: tuple[float, ...]
    average: tuple[float, ...]
    alone: dict[MetricName, float]
    blended: dict[MetricName, float]
    shown: bool


class BlendRecord(Section):
    """What a recommender makes of a query's artist, year and tags, beside its lyrics.

    Attributes:
        n_pairs: pairs of val that it was learned from.
        is_listed: whether a score is the chance of being listed; else it is the expected similarity.
        parts: one for each set of facts; empty where val has too few pairs.
        genres: the genre of each tag that has one, case-folded.
    """

    n_pairs: Count
    is_listed: bool
    parts: tuple[BlendPart, ...]
    genres: dict[str, str]


def load_blend(folder: Path) -> BlendRecord | None:
    """Read blend.json of a served folder; None where its format has none.

    Raises:
        ValueError: a file is missing or damaged, or the folder's format is newer.
    """
    return load(folder / BLEND, BlendRecord) if load_served(folder).format > 6 else None


def load_drift(folder: Path) -> DriftReference:
    """Read drift.json of a served folder.

    Raises:
        ValueError: a file is missing or damaged, or the folder's format is newer, or one without drift.json.
    """
    number = load_served(folder).format
    if number < 8:
        raise ValueError(
            f"{folder}: packed in format {number}, which says nothing of how training songs are distributed; "
            "run `dvc repro` in its checkout to pack it again"
        )
    return load(folder / DRIFT, DriftReference)


def load_served(folder: Path) -> ServedModel:
    """Read served.json of a served folder of this format or an earlier one.

    Raises:
        ValueError: the file is missing or damaged, or the folder's format is newer.
    """
    path = folder / "served.json"
    content = files.read_json(path)
    return check(content | {"format": _format(content, path)}, ServedModel, path)


def load_experiment(folder: Path) -> ExperimentRecord:
    """Read experiment.json of a trained folder, or of a served one of this format or an earlier one.

    Raises:
        ValueError: a file is missing or damaged, or the folder's format is newer.
    """
    path, served = folder / "experiment.json", folder / "served.json"
    content = files.read_json(path)
    if served.is_file() and _format(files.read_json(served), served) == 1:
        content = content | {"params": renamed.current(content.get("params"))}
    return check(content, ExperimentRecord, path)


def _format(content: dict[str, Any], path: Path) -> int:
    number = content.get("format", 1)
    if number not in range(1, FORMAT + 1):
        raise ValueError(f"{path}: format {number!r}, but this version reads 1 to {FORMAT}; update neuralist")
    return number
