"""All metrics by name: how people read them, which way is better, and which protocols have them.

What computes, chooses by, shows or accepts a metric reads its properties here. The order is that of columns
and tables: metrics of ranking, then those of pairs, of each the headline first. A new metric is an entry here
and its computing in `metrics.measure`, or of a ranking in `evaluation.ranking`.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

from neuralist.config.experiment import Protocol

AUTO = "auto"  # a choice of metric left to `evaluation.selection.resolve_metric`
_ONE_CLASS = "all pairs are similar, or all are dissimilar"
_CONSTANT = "the predictions or the similarities are all equal"
_NO_QUERY = "no song with a list has a listed and an unlisted song here"
_NO_NEW_ARTIST = "no such song is by an artist known to be new"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric.

    Attributes:
        name: as files and settings say it.
        label: as people read it.
        of: ranking: a song's listed songs against its unlisted ones, where songs have lists; pairs:
            similarities of pairs; translations: of `evaluation.translations`, which has recall_at_10 too;
            training: what an epoch brings and `evaluate` does not measure.
        protocols: under which `evaluate` measures it.
        means: what it is, in words that follow its label; empty where no experiment is chosen by it.
        headline: whether it stands in artifacts/metrics and in the first tables.
        lower_is_better: for a figure as for a difference of two.
        digits: that people read after the point.
        undefined: why there may be no value.
    """

    name: str
    label: str
    of: Literal["ranking", "pairs", "translations", "training"] = "pairs"
    means: str = ""
    protocols: tuple[Protocol, ...] = ("songs", "paper", "given")
    headline: bool = False
    lower_is_better: bool = False
    digits: int = 3
    undefined: str = "no pairs"

    @property
    def sign(self) -> int:
        """1, or -1 where lower is better: times it, the higher of two figures is the better one."""
        return -1 if self.lower_is_better else 1

    @property
    def heading(self) -> str:
        """The label for the head of a column."""
        return f"{self.label} (lower is better)" if self.lower_is_better else self.label


_translations = partial(Metric, of="translations", protocols=(), undefined="no other song")
_ranking = partial(Metric, of="ranking", protocols=("songs",), undefined=_NO_QUERY)
METRICS = (
    _ranking(
        name="listed_auc",
        label="listed AUC",
        means="the chance that a song in another one's list of similar songs is called more like it than a "
        "song that is not (0.5 by guessing)",
        headline=True,
    ),
    _ranking(
        name="ndcg_at_10",
        label="nDCG@10",
        means="how good the ten songs are that it puts first, from 0 to 1",
        headline=True,
    ),
    _ranking(name="recall_at_10", label="recall@10"),
    _ranking(name="listed_auc_new_artist", label="listed AUC, new artists", undefined=_NO_NEW_ARTIST),
    _ranking(
        name="pooled_listed_auc", label="listed AUC, pooled", undefined="all pairs are listed, or none is"
    ),
    Metric(
        name="decile_accuracy",
        label="decile accuracy",
        means="the share of pairs whose similarity is put into the right tenth",
        headline=True,
    ),
    Metric(
        name="within_one_decile",
        label="within one decile",
        means="the share of pairs whose similarity is put into the right tenth or the next one",
        headline=True,
    ),
    Metric(
        name="spearman",
        label="Spearman",
        means="how well it orders pairs by their similarity, from -1 to 1 (0 by guessing)",
        headline=True,
        undefined=_CONSTANT,
    ),
    Metric(
        name="mse",
        label="MSE",
        means="the mean squared error of the similarity, of which less is better",
        headline=True,
        lower_is_better=True,
        digits=4,
    ),
    Metric(
        name="average_precision",
        label="average precision",
        means="the share of similar pairs among those it puts first, averaged, from 0 to 1",
        headline=True,
        undefined=_ONE_CLASS,
    ),
    Metric(
        name="roc_auc",
        label="ROC AUC",
        means="the chance that a similar pair is called more alike than a dissimilar one (0.5 by guessing)",
        headline=True,
        undefined=_ONE_CLASS,
    ),
    Metric(
        name="pearson",
        label="Pearson",
        means="how straight a line its similarities make with the true ones, from -1 to 1 (0 by guessing)",
        undefined=_CONSTANT,
    ),
    Metric(
        name="binary_accuracy",
        label="binary accuracy",
        means="the share of pairs that it puts on the right side of similarity 0.5",
    ),
    Metric(
        name="f1",
        label="F1",
        means="the balance of precision and recall where it calls pairs similar, from 0 to 1",
        undefined=_ONE_CLASS,
    ),
    Metric(
        name="balanced_accuracy",
        label="balanced accuracy",
        means="the mean of the shares of similar and of dissimilar pairs that it tells (0.5 by guessing)",
        undefined=_ONE_CLASS,
    ),
    # The predecessor's classes, for a comparison with its figures.
    Metric(name="nearest_tenth_accuracy", label="nearest-tenth accuracy", protocols=("paper",)),
    _translations(name="recall_at_1", label="recall@1"),
    _translations(name="mrr", label="MRR"),
    _translations(name="auc", label="AUC"),
    Metric(name="loss", label="loss", of="training", protocols=(), lower_is_better=True),
)
BY_NAME = {metric.name: metric for metric in METRICS}
OF_RANKING = tuple(metric.name for metric in METRICS if metric.of == "ranking")
OF_PAIRS = tuple(metric.name for metric in METRICS if metric.of == "pairs")
HEADLINE = tuple(metric.name for metric in METRICS if metric.headline)
# headline.json has the first four of these that the served model has: few columns of `dvc exp show`.
OF_SERVED = ("listed_auc", "ndcg_at_10", "spearman", "mse", "average_precision", "roc_auc")
# What training says of val after an epoch, by its name in history.csv (there with val_ before it), in the
# order of the columns. Its listed_auc is the metric pooled_listed_auc, of all pairs at once, for val has a
# sample of the unlisted ones.
ON_VAL = {
    "loss": BY_NAME["loss"],
    "accuracy": BY_NAME["binary_accuracy"],
    **{name: BY_NAME[name] for name in ("decile_accuracy", "spearman", "average_precision")},
    "listed_auc": BY_NAME["pooled_listed_auc"],
}


def of_column(column: str) -> tuple[Literal["train", "val"], str]:
    """Return which split a column of history.csv is measured on, and the name of its metric.

    history.csv shortens two names: val_accuracy is binary_accuracy on val, val_listed_auc pooled_listed_auc.
    A name that is not in ON_VAL stays as it is.
    """
    short = column.removeprefix("val_")
    return "train" if short == column else "val", ON_VAL[short].name if short in ON_VAL else short


def of_protocol(protocol: Protocol, *, ranked: bool) -> tuple[str, ...]:
    """Names of the metrics that an experiment of a protocol has, in their order.

    Args:
        protocol: of the experiment.
        ranked: whether songs have lists to rank.
    """
    return tuple(
        metric.name
        for metric in METRICS
        if protocol in metric.protocols and (ranked or metric.of != "ranking")
    )


# What an experiment may be chosen by: of ranking the headline alone, for the others only explain it.
CHOOSING = tuple(name for name in of_protocol("songs", ranked=True) if name in (*HEADLINE, *OF_PAIRS))
