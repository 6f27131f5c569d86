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
        headline: whether it stands in headline.json and in the first tables.
        lower_is_better: for a figure as for a difference of two.
        digits: that people read after the point.
        undefined: why there may be no value.
    """

    name: str
    label: str
    of: Literal["ranking", "pairs", "translations", "training"] = "pairs"
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
    _ranking(name="listed_auc", label="listed AUC", headline=True),
    _ranking(name="ndcg_at_10", label="nDCG@10", headline=True),
    _ranking(name="recall_at_10", label="recall@10"),
    _ranking(name="listed_auc_new_artist", label="listed AUC, new artists", undefined=_NO_NEW_ARTIST),
    _ranking(
        name="pooled_listed_auc", label="listed AUC, pooled", undefined="all pairs are listed, or none is"
    ),
    Metric(name="decile_accuracy", label="decile accuracy", headline=True),
    Metric(name="within_one_decile", label="within one decile", headline=True),
    Metric(name="spearman", label="Spearman", headline=True, undefined=_CONSTANT),
    Metric(name="mse", label="MSE", headline=True, lower_is_better=True, digits=4),
    Metric(name="average_precision", label="average precision", headline=True, undefined=_ONE_CLASS),
    Metric(name="roc_auc", label="ROC AUC", headline=True, undefined=_ONE_CLASS),
    Metric(name="pearson", label="Pearson", undefined=_CONSTANT),
    Metric(name="binary_accuracy", label="binary accuracy"),
    Metric(name="f1", label="F1", undefined=_ONE_CLASS),
    Metric(name="balanced_accuracy", label="balanced accuracy", undefined=_ONE_CLASS),
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
# What training says of val after an epoch, by its name in history.csv (there with val_ before it), in the
# order of the columns. Its listed_auc is the metric pooled_listed_auc, of all pairs at once, for val has a
# sample of the unlisted ones.
ON_VAL = {
    "loss": BY_NAME["loss"],
    "accuracy": BY_NAME["binary_accuracy"],
    **{name: BY_NAME[name] for name in ("decile_accuracy", "spearman", "average_precision")},
    "listed_auc": BY_NAME["pooled_listed_auc"],
}


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
