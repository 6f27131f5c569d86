"""How good experiments are: metrics with their intervals, beside those of baselines."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from neuralist.config.experiment import Protocol, Section
from neuralist.config.metric_table import BY_NAME
from neuralist.config.records.base import Count, Share, Split, load, optional


def _metric(name: str) -> str:
    if name not in BY_NAME:
        raise ValueError(f"no metric; choose among {', '.join(BY_NAME)}")
    return name


MetricName = Annotated[str, AfterValidator(_metric)]


class Estimate(Section):
    """A metric, or a difference of two, with its interval from resamples of the songs.

    Attributes:
        value: of all pairs, 6 significant digits; None where undefined.
        low: lower end of the interval; None where undefined.
        high: upper end of the interval; None where undefined.
        reason: why something is undefined; left out otherwise.
    """

    value: float | None
    low: float | None
    high: float | None
    reason: str | None = optional()


class BaselineEstimate(Estimate):
    """A baseline's metric beside the model's.

    Attributes:
        difference: model - baseline, paired by resample; of an error, below 0 is in the model's favour.
    """

    difference: Estimate


class Thresholds(Section):
    """Similarities in [0, 1] from which pairs count as similar, chosen on val.

    Attributes:
        f1: of the best F1.
        balanced_accuracy: of the best balanced accuracy.
    """

    f1: float
    balanced_accuracy: float


class SeenInTrain(Section):
    """What a split shares with train.

    Attributes:
        pairs: share of its pairs, in [0, 1], in either direction.
        songs: share of its songs, in [0, 1].
        texts: share of its distinct texts, in [0, 1]; left out in metrics of before it was counted.
    """

    pairs: Share
    songs: Share
    texts: Share | None = optional()


class RankingCounts(Section):
    """What the metrics of ranking are about.

    Attributes:
        n_queries: songs with a list that have a listed and an unlisted song in the split.
        n_left_out: songs with a list that lack either.
        n_pairs: observable pairs.
        n_listed: of these the listed ones.
    """

    n_queries: Count
    n_left_out: Count
    n_pairs: Count
    n_listed: Count


class SplitMetrics(Section):
    """An experiment and its baselines on one split.

    Attributes:
        n_pairs: pairs that the metrics of pairs are about.
        n_songs: songs of them.
        seen_in_train: left out where there is no pair, or train is not known.
        ranking: left out where nothing is ranked.
        metrics: of the experiment, in the order of metric_table.
        baselines: baseline to metric to its value.
    """

    n_pairs: Count
    n_songs: Count
    seen_in_train: SeenInTrain | None = optional()
    ranking: RankingCounts | None = optional()
    metrics: dict[MetricName, Estimate]
    baselines: dict[str, dict[MetricName, BaselineEstimate]]


class ExperimentMetrics(Section):
    """How good an experiment is, beside its baselines.

    Attributes:
        protocol: how its pairs were split.
        target: which pairs it is about; listed_only where no song has a list.
        tokens: what it reads.
        max_tokens: tokens that it reads of a text.
        long_text: what it reads of a longer text.
        note: what a reader must know of the protocol.
        from_lyrics: baseline to whether it reads lyrics.
        thresholds: of `model` and of each baseline.
        thresholds_chosen_on: val, or in words why not.
        splits: val and test.
    """

    protocol: Protocol
    target: Literal["observable", "listed_only"]
    tokens: Literal["word", "char"]
    max_tokens: Annotated[int, Field(ge=1)]
    long_text: Literal["head", "tail", "chunks"]
    note: str
    from_lyrics: dict[str, bool]
    thresholds: dict[str, Thresholds]
    thresholds_chosen_on: str
    splits: dict[Split, SplitMetrics]


def load_estimates(folder: Path) -> dict[str, ExperimentMetrics]:
    """Read artifacts/estimates: experiment to its metrics with their intervals, by name.

    Raises:
        ValueError: there are none, or a file is damaged.
    """
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise ValueError(f"{folder}: no estimates there; run `dvc repro`")
    return {path.stem: load(path, ExperimentMetrics) for path in paths}
