"""Say in five sentences what was compared, on what data, what is best, what it does not beat, how sure it is.

results.md and results.html begin with them. Input: the metrics of `evaluation.evaluate`. Output: sentences of
plain text.
"""

from collections.abc import Sequence
from typing import NamedTuple

from neuralist.config import params
from neuralist.config.metric_table import BY_NAME
from neuralist.config.records import Estimate, ExperimentMetrics
from neuralist.evaluation import selection
from neuralist.evaluation.baselines import BASELINES
from neuralist.evaluation.results import Experiments, Warnings, baseline_label, interval, number, things

NAMED = 3  # baselines named in a sentence; the others are counted


class Subject(NamedTuple):
    """The experiment that the sentences are about.

    Attributes:
        name: of the experiment.
        metric: that it was chosen by.
        is_served: whether stage `package` takes it; else every experiment was tested on songs of training.
    """

    name: str
    metric: str
    is_served: bool


def subject(experiments: Experiments, metric: str) -> Subject:
    """Return the experiment that stage `package` serves, or the best on val where it serves none.

    Args:
        experiments: name to metrics; at least one.
        metric: to choose by, of params.yaml's `register`.
    """
    metric = selection.resolve_metric(experiments, metric)
    name = selection.best(experiments, metric)
    if name is not None:
        return Subject(name, metric, True)
    on_val = {name: own.splits["val"].metrics.get(metric) for name, own in experiments.items()}
    values = {
        name: BY_NAME[metric].sign * own.value
        for name, own in on_val.items()
        if own and own.value is not None
    }
    best = max(values, key=values.__getitem__, default=next(iter(experiments)))
    if metric not in experiments[best].splits["test"].metrics:
        metric = "spearman"  # which every protocol has
    return Subject(best, metric, False)


def sentences(
    experiments: Experiments,
    about: Subject,
    n_train: int,
    settings: params.Evaluate,
    corpus_note: str = "",
    warnings: Warnings | None = None,
) -> list[str]:
    """Return the five sentences.

    Args:
        experiments: name to metrics.
        about: from `subject`.
        n_train: pairs that it learned from.
        settings: draws and level of the intervals.
        corpus_note: a warning about the corpus, such as that it is synthetic; empty for none.
        warnings: protocol to sentences about its val and test.
    """
    own = experiments[about.name]
    small = (warnings or {}).get(own.protocol, ())
    return [
        _compared(experiments, own),
        _data(about, own, n_train, compared=things(experiments), is_alone=len(experiments) == 1),
        _best(about, own, settings.level),
        _not_beaten(about, own),
        _trust(experiments, own, settings, corpus_note, small),
    ]


def _compared(experiments: Experiments, own: ExperimentMetrics) -> str:
    kinds = {name for each in experiments.values() for name in each.splits["test"].baselines}
    is_single = len(experiments) == 1
    count = "One model" if is_single else f"{len(experiments)} models"
    task = f"trained to tell from their words how alike two {things(experiments)} are"
    models = f"{count} ({', '.join(experiments)}), {task}"
    if not kinds:
        return f"{models}, {'is' if is_single else 'are'} compared with no simpler method."
    return (
        f"{models}, {'is' if is_single else 'are each'} compared with up to {len(kinds)} simpler methods, "
        "the baselines, from one constant answer to regressions on the same words."
    )


def _data(about: Subject, own: ExperimentMetrics, n_train: int, *, compared: str, is_alone: bool) -> str:
    """Describe the data that the subject learned from, was chosen on and is tested on."""
    test = own.splits["test"]
    who = "It" if is_alone else f"The best on val, {about.name},"
    learned = f"{who} learned from {n_train:,} pairs of {compared} (train)"
    # Of a model alone val chose the epoch.
    chosen = f"{'its best epoch ' * is_alone}was chosen on {own.splits['val'].n_pairs:,} other pairs (val)"
    if not test.n_pairs:
        return f"{learned}, {chosen}, and there is no pair to test it on."
    seen = test.seen_in_train
    unseen = " that are not in train" if seen and not seen.songs else ""
    tested = "it is tested" if is_alone else "is tested"
    tested += f" on {test.n_pairs:,} further pairs of {test.n_songs:,} {compared}{unseen} (test)"
    if test.ranking and own.target == "observable":
        unlisted = test.n_pairs - test.ranking.n_listed
        tested += f", {unlisted:,} of them in no list of similar {compared} and so counted as 0"
    if seen and seen.songs:
        tested += f", though train also holds {seen.songs:.1%} of these {compared}"
        tested += f" and {seen.pairs:.1%} of these pairs"
    return f"{learned}, {chosen}, and {tested}."


def _best(about: Subject, own: ExperimentMetrics, level: float) -> str:
    metric = BY_NAME[about.metric]
    estimate = own.splits["test"].metrics[about.metric]
    named = f"Its {metric.label}, {metric.means},"
    if estimate.value is None:
        return f"{named} is undefined on test: {estimate.reason or metric.undefined}."
    said = f"{named} is {interval(estimate, about.metric)} on test"
    if estimate.low is not None:
        said += f" (in brackets a {100 * level:g} % interval)"
    rival = _best_baseline(own, about.metric)
    if rival is None:
        return f"{said}."
    label, entry = baseline_label(rival, own), own.splits["test"].baselines[rival][about.metric]
    reading = "the best baseline that reads the same words" if BASELINES[rival].from_lyrics else "a baseline"
    lead = interval(_lead(entry.difference, about.metric), about.metric)
    with_value = f"{label} with {number(entry.value, about.metric)}"
    return {
        1: f"{said}, {lead} better than {reading}, {with_value}.",
        0: f"{said}; over {reading}, {with_value}, it leads by {lead}, which shows no lead.",
        -1: f"{said}; {reading}, {with_value}, is better: the model leads by {lead}.",
    }[selection.shown_lead(entry.difference, about.metric) or 0]


def _best_baseline(own: ExperimentMetrics, metric: str) -> str | None:
    """Return the best on test of the baselines that read lyrics alone, else of those without metadata."""
    for kinds in (("lyrics",), ("similarities",)):
        values = {
            name: BY_NAME[metric].sign * value
            for name, value in _defined(own, metric).items()
            if BASELINES[name].made_from in kinds
        }
        if values:
            return max(values, key=values.__getitem__)
    return None


def _defined(own: ExperimentMetrics, metric: str) -> dict[str, float]:
    """Return the baselines whose figure and difference to the model are defined, with the figure."""
    return {
        name: entry[metric].value or 0.0
        for name, entry in own.splits["test"].baselines.items()
        if metric in entry
        and entry[metric].value is not None
        and selection.shown_lead(entry[metric].difference, metric) is not None
    }


def _lead(difference: Estimate, metric: str) -> Estimate:
    """Return by how much the model is better, also where lower is better."""
    ends = [end for end in (difference.low, difference.high) if end is not None]
    sign = BY_NAME[metric].sign
    low, high = sorted(sign * end for end in ends) if len(ends) == 2 else (None, None)
    return Estimate(value=None if difference.value is None else sign * difference.value, low=low, high=high)


def _not_beaten(about: Subject, own: ExperimentMetrics) -> str:
    values, metric = _defined(own, about.metric), about.metric
    rivals = own.splits["test"].baselines
    ordered = sorted(values, key=lambda name: -BY_NAME[metric].sign * values[name])
    shown: dict[int | None, list[str]] = {}
    for name in ordered:
        shown.setdefault(selection.shown_lead(rivals[name][metric].difference, metric), []).append(name)
    beaten, unclear, better = (shown.get(lead, []) for lead in (1, 0, -1))
    if not values:
        n_drawn = sum(metric in entry and entry[metric].value is not None for entry in rivals.values())
        if n_drawn:
            return (
                f"By {BY_NAME[metric].label} it is shown to be better than none of {n_drawn} baselines: on "
                "so few pairs no difference has an interval."
            )
        return f"By {BY_NAME[metric].label} it can be compared with no baseline here."
    if not unclear and not better:
        return f"By {BY_NAME[metric].label} it is better than {_of_all(len(values))}."
    said = (
        f"By {BY_NAME[metric].label} it is shown to be better than {len(beaten)} of {len(values)} baselines"
    )
    parts = [f"no lead is shown over {_named(unclear)}"] if unclear else []
    parts += [f"{_named(better)} {'is' if len(better) == 1 else 'are'} better than it"] if better else []
    return f"{said}; {', and '.join(parts)}."


def _of_all(n_baselines: int) -> str:
    return "the one baseline" if n_baselines == 1 else f"each of the {n_baselines} baselines"


def _named(baselines: Sequence[str]) -> str:
    """Name the first baselines, and count the others."""
    labels = [
        f"“{BASELINES[name].label.rstrip('*')}”{' (metadata)' * (BASELINES[name].made_from == 'metadata')}"
        for name in baselines[:NAMED]
    ]
    more = len(baselines) - NAMED
    if more > 0:
        return f"{', '.join(labels)} and {more} more"
    return " and ".join(filter(None, [", ".join(labels[:-1]), labels[-1]]))


def _trust(
    experiments: Experiments,
    own: ExperimentMetrics,
    settings: params.Evaluate,
    corpus_note: str,
    warnings: Sequence[str],
) -> str:
    compared = things(experiments)
    parts = [
        f"an interval, from {settings.draws:,} resamples of the {compared}, says how far a figure would "
        f"move with other {compared} of this kind, and nothing of another training or another corpus"
    ]
    if own.protocol == "paper":
        parts.append("a test that repeats what was in training flatters every model")
    leaking = [name for name, one in experiments.items() if one.protocol == "paper" and one is not own]
    if leaking and own.protocol != "paper":
        flattered = "is flattered, for its" if len(leaking) == 1 else "are flattered, for their"
        parts.append(f"{', '.join(leaking)} {flattered} test repeats what was in training")
    parts += [sentence.rstrip(".") for sentence in warnings]
    if corpus_note:
        parts.append(f"and of this corpus it is said: “{corpus_note.rstrip('.')}”")
    return f"How far to trust this: {'; '.join(parts)}."
