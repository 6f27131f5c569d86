"""Format the metrics of all experiments: results.md, its parts, tables for the terminal, plain numbers.

Input: the metrics of `evaluation.evaluate`. Output: text; sections, which `results_page` shows as results.md
does; the numbers of DVC's tables.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from neuralist.config import params
from neuralist.config.experiment import Experiment
from neuralist.config.metric_table import BY_NAME, HEADLINE, OF_PAIRS, OF_RANKING, OF_SERVED
from neuralist.config.records import BaselineEstimate, Estimate, ExperimentMetrics, RankingCounts
from neuralist.data.songs import Things
from neuralist.evaluation.baselines import BASELINES
from neuralist.evaluation.groups import grouped
from neuralist.evaluation.selection import lead_mark

Experiments = Mapping[str, ExperimentMetrics]
Warnings = Mapping[str, Sequence[str]]  # protocol to sentences about its val and test
RIDGES = ("ridge_tfidf", "ridge")
# In paragraphs of lines.
_EXPLANATION = """\
Each cell is a value on the test part and its {level:g} % interval from {draws:,} resamples of the {things}.
Baselines are learned on train alone; those from {lyrics} read as much of a text as the model.
A letter with ~ after a baseline's cell names an experiment whose lead over it is not shown: the interval
of their paired difference includes 0. With ! the baseline is better: the interval excludes 0.
A * marks a baseline that is made from metadata, not from {lyrics}.

"""
_OF_RANKING = """\
Listed AUC is the chance that a listed pair of a query song gets a higher similarity than an unlisted one, a
pair that could be listed and is not; pairs nobody looked at are left out. It is a mean over queries, as are
nDCG@10 (the gain is the similarity) and recall@10 (listed songs among the first ten / as many as could be).
New artists are those of no training song; pooled is one AUC over all pairs. \
"""
_OF_PAIRS = """\
Deciles are tenths of similarity;
binary accuracy cuts both sides at 0.5; F1 and balanced accuracy use each predictor's best threshold on val.
"""
# Heading of a table on the test split to its metrics; those that an experiment lacks are left out.
_TABLES = {
    "Listed against unlisted": OF_RANKING,
    "Similarity of pairs": [name for name in OF_PAIRS if name in HEADLINE],
    "More on similarity": [name for name in OF_PAIRS if name not in HEADLINE],
}
# The metrics of graded pairs on the terminal, in tables narrow enough for intervals.
_PAIR_METRICS = (("pearson", "spearman", "mse"), ("roc_auc", "average_precision", "decile_accuracy"))
_MARKS = "(a~): experiment a shows no lead over this baseline; (a!): the baseline is better; *: not lyrics"
_TITLES = {
    ("songs", "observable"): "Protocol songs, listed and unlisted pairs",
    ("songs", "listed_only"): "Protocol songs, listed pairs",
}


def headline_metrics(experiment: ExperimentMetrics) -> dict[str, float | None]:
    """Return the headline metrics of an experiment on test, its row in `dvc metrics show`."""
    test = experiment.splits["test"].metrics
    return {metric: test[metric].value for metric in _headline(experiment)}


def headline(experiments: Experiments, served: str | None) -> dict[str, str | float | None]:
    """Return what headline.json holds: the served experiment's name and its first four figures on test.

    Args:
        experiments: name to metrics.
        served: the experiment that stage `package` chooses; None where it serves none.
    """
    if served is None:
        return {"served": None}
    test = experiments[served].splits["test"].metrics
    names = [metric for metric in OF_SERVED if metric in test][:4]
    return {"served": served, **{metric: test[metric].value for metric in names}}


def _headline(experiment: ExperimentMetrics) -> list[str]:
    """Names of the headline metrics that an experiment has."""
    return [name for name in HEADLINE if name in experiment.splits["test"].metrics]


class Cell(NamedTuple):
    """A cell of a table: "0.312", its interval "[0.118, 0.512]" or nothing, and " (a~)" or nothing."""

    value: str
    interval: str
    marks: str


class Table(NamedTuple):
    """A table on the test part.

    Attributes:
        heading: what it is about.
        columns: labels of its metrics.
        rows: label of an experiment or baseline, whether it is an experiment, and a cell for each column.
    """

    heading: str
    columns: list[str]
    rows: list[tuple[str, bool, list[Cell]]]


class Section(NamedTuple):
    """What results.md says of the experiments that may be compared.

    Attributes:
        title: their protocol and target.
        facts: sentences on their test part.
        warnings: sentences on what is too small.
        tables: of their metrics and those of baselines.
        missing_leads: a sentence for each experiment and baseline where no lead is shown.
    """

    title: str
    facts: list[str]
    warnings: list[str]
    tables: list[Table]
    missing_leads: list[str]


def things(experiments: Experiments) -> Things:
    """Return the word for what is compared, as `data.songs.things` does: where artists or lists are known."""
    tests = [experiment.splits["test"] for experiment in experiments.values()]
    are_songs = any(test.ranking is not None or "same_artist" in test.baselines for test in tests)
    return "songs" if are_songs else "texts"


def lyrics(experiments: Experiments) -> Literal["lyrics", "texts"]:
    """Return the word for what the models read."""
    return "lyrics" if things(experiments) == "songs" else "texts"


def explanation(experiments: Experiments, settings: params.Evaluate) -> list[str]:
    """Return the paragraphs that say how the tables are read, with their line breaks."""
    is_ranked = any(experiment.splits["test"].ranking for experiment in experiments.values())
    text = _EXPLANATION + _OF_RANKING * is_ranked + _OF_PAIRS
    words = {"things": things(experiments), "lyrics": lyrics(experiments)}
    return text.format(level=100 * settings.level, draws=settings.draws, **words).rstrip().split("\n\n")


def sections(experiments: Experiments, warnings: Warnings | None = None) -> Iterator[Section]:
    """Yield a section for each protocol and target: tables, and the baselines without a shown lead.

    Args:
        experiments: name to metrics.
        warnings: protocol to sentences about its val and test.
    """
    for title, group in _comparable_groups(experiments).items():
        metrics = next(iter(group.values())).splits["test"].metrics
        measured = {
            heading: [name for name in columns if name in metrics] for heading, columns in _TABLES.items()
        }
        tables = [_table(heading, group, names) for heading, names in measured.items() if names]
        small = list(_warnings(group, warnings))
        facts = _describe_test(group, things(experiments))
        yield Section(title, facts, small, tables, list(_list_missing_leads(group)))


def _table(heading: str, experiments: Experiments, names: Sequence[str]) -> Table:
    rows = [
        (row.label, not row.differences, [_cell(row.metrics[name], name, row.marks(name)) for name in names])
        for row in _rows(experiments)
    ]
    return Table(heading, [BY_NAME[name].heading for name in names], rows)


def _cell(estimate: Estimate, name: str, marks: str) -> Cell:
    value, _, between = interval(estimate, name).partition(" ")
    return Cell(value, between, marks)


def markdown(
    experiments: Experiments,
    settings: params.Evaluate,
    corpus_note: str = "",
    warnings: Warnings | None = None,
    summary: Sequence[str] = (),
) -> str:
    """Return the text of results.md.

    Args:
        experiments: name to metrics.
        settings: draws and level of the intervals.
        corpus_note: a warning about the corpus, such as that it is synthetic; empty for none.
        warnings: protocol to sentences about its val and test.
        summary: the sentences that it begins with, from `summary.sentences`.
    """
    lines = ["# Results", ""]
    lines += [*summary, ""] if summary else []
    lines += [f"**{corpus_note}**", ""] if corpus_note else []
    lines += ["\n\n".join(explanation(experiments, settings)), ""]
    for section in sections(experiments, warnings):
        lines += [f"## {section.title}", "", *section.facts, ""]
        lines += [*(f"**{warning}**" for warning in section.warnings), ""] if section.warnings else []
        for table in section.tables:
            lines += [f"### {table.heading}", "", *_markdown_table(table), ""]
        lines += [*(f"- {sentence}" for sentence in section.missing_leads), ""]
    return "\n".join(lines).rstrip() + "\n"


def _markdown_table(table: Table) -> Iterator[str]:
    yield "| | " + " | ".join(table.columns) + " |"
    yield "|---" * (len(table.columns) + 1) + "|"
    for label, _, cells in table.rows:
        filled = (f"{value} {between}".rstrip() + marks for value, between, marks in cells)
        yield f"| {label} | " + " | ".join(filled) + " |"


def headline_table(experiments: Experiments, corpus_note: str = "", warnings: Warnings | None = None) -> str:
    """Format the headline metrics of experiments and baselines on test as columns for the terminal."""
    lines = [corpus_note, ""] if corpus_note else []
    for title, group in _comparable_groups(experiments).items():
        names = _headline(next(iter(group.values())))
        columns = _columns(group, names, lambda estimate, name: number(estimate.value, name))
        facts = [*_describe_test(group, things(experiments)), *_warnings(group, warnings)]
        lines += [title, *(f"  {fact}" for fact in facts), *columns, ""]
    return "\n".join([*lines, _MARKS])


def unseen_tables(experiments: Experiments, level: float, corpus_note: str = "") -> list[str]:
    """Return the lines of a short table: experiments on unseen songs beside three of their baselines.

    The metric is the first of the headline, which experiments of a protocol on lists or on pairs share. The
    ridge is the one that is better on test.
    """
    unseen = {name: own for name, own in experiments.items() if own.protocol != "paper"}
    groups = grouped(unseen, lambda experiment: (experiment.protocol, _headline(experiment)[0]))
    lines = [corpus_note] if corpus_note else []
    for (_, metric), group in groups.items():
        lines += [""] if lines else []
        lines += [*_unseen_heading(group, metric, level, things(experiments)), *_unseen_rows(group, metric)]
    if not groups:
        never = f"No experiment was measured on {things(experiments)} that it had never seen"
        lines.append(f"{never}: see artifacts/results.md.")
    return lines


def _unseen_heading(experiments: Experiments, metric: str, level: float, compared: str) -> list[str]:
    test = next(iter(experiments.values())).splits["test"]
    size = f"{test.n_pairs:,} pairs of {test.n_songs:,} {compared}"
    if metric in OF_RANKING and test.ranking:
        size = f"{test.ranking.n_queries:,} songs with a list, {test.ranking.n_pairs:,} pairs"
    return [
        f"{compared.capitalize()} never seen in training (test: {size}).",
        f"{BY_NAME[metric].heading}, and its {100 * level:g} % interval:",
    ]


def _unseen_rows(experiments: Experiments, metric: str) -> Iterator[str]:
    table = [["", "model", "best ridge", "TF-IDF", "constant"]]
    for name, experiment in experiments.items():
        test = experiment.splits["test"]
        ridges = [test.baselines[ridge][metric] for ridge in RIDGES if ridge in test.baselines]
        defined = [ridge for ridge in ridges if ridge.value is not None]
        best = max(defined, key=lambda ridge: BY_NAME[metric].sign * (ridge.value or 0), default=None)
        others = [test.baselines.get(baseline, {}).get(metric) for baseline in ("tfidf", "constant")]
        cells = [test.metrics[metric], best, *others]
        table.append([name, *("–" if cell is None else interval(cell, metric) for cell in cells)])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def pair_metrics_table(experiments: Experiments, corpus_note: str, compared: Things) -> str:
    """Format metrics of graded pairs on test, with intervals, as aligned columns for the terminal."""
    lines = [corpus_note, ""] if corpus_note else []
    for group in _comparable_groups(experiments).values():
        lines += _describe_test(group, compared)
        for names in _PAIR_METRICS:
            lines += ["", *_columns(group, names, interval)]
    return "\n".join([*lines, "", _MARKS])


def _columns(
    experiments: Experiments, names: Sequence[str], format_cell: Callable[[Estimate, str], str]
) -> Iterator[str]:
    """Yield the lines of a table whose columns are as wide as their longest cell."""
    table = [["", *(BY_NAME[name].label for name in names)]]
    table += [
        [row.label, *(f"{format_cell(row.metrics[name], name)}{row.marks(name):5}" for name in names)]
        for row in _rows(experiments)
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for label, *cells in table:
        columns = (f"  {cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        yield f"  {label:{widths[0]}}" + "".join(columns)


class _Row(NamedTuple):
    """A line of a table; `differences` of a baseline: an experiment's letter to its estimates."""

    label: str
    metrics: Mapping[str, Estimate]
    differences: Mapping[str, Mapping[str, BaselineEstimate]]

    def marks(self, name: str) -> str:
        """Letters of experiments without a shown lead over this baseline, with ~, or ! where they trail."""
        by_letter = {
            letter: lead_mark(rival[name].difference, name) for letter, rival in self.differences.items()
        }
        marks = [letter + mark for letter, mark in by_letter.items() if mark]
        return f" ({','.join(marks)})" if marks else ""


def _comparable_groups(experiments: Experiments) -> dict[str, dict[str, ExperimentMetrics]]:
    """Group the experiments that may be compared, those of one protocol and target, by title."""
    return grouped(experiments, _title)


def _title(experiment: ExperimentMetrics) -> str:
    if experiment.splits["test"].ranking is None:
        return f"Protocol {experiment.protocol}"
    return _TITLES[experiment.protocol, experiment.target]


def reads(experiment: Experiment | ExperimentMetrics) -> str:
    """Describe how much of a text an experiment reads, such as "last 300 words"."""
    unit = "characters" if experiment.tokens == "char" else "words"
    if experiment.long_text == "chunks":
        return f"all {unit}"
    return f"{'last ' if experiment.long_text == 'tail' else ''}{experiment.max_tokens} {unit}"


def baseline_label(name: str, experiment: Experiment | ExperimentMetrics) -> str:
    """Return the label of an experiment's baseline, with how much of a text it reads if it reads lyrics."""
    baseline = BASELINES[name]
    return baseline.label + (f" ({reads(experiment)})" if baseline.from_lyrics else "")


def _rows(experiments: Experiments) -> Iterator[_Row]:
    letters = _letters(experiments)
    tests = {name: experiment.splits["test"] for name, experiment in experiments.items()}
    for name, letter in letters.items():
        yield _Row(f"{letter} {name} ({reads(experiments[name])})", tests[name].metrics, {})
    for key in BASELINES:
        rivals: dict[str, dict[str, Mapping[str, BaselineEstimate]]] = {}
        for name in (name for name, test in tests.items() if key in test.baselines):
            label = baseline_label(key, experiments[name])
            if BASELINES[key].made_from == "encoder":
                label += f" ({letters[name]})"  # each experiment has its own
            rivals.setdefault(label, {})[letters[name]] = tests[name].baselines[key]
        for label, rival in rivals.items():
            yield _Row(label, next(iter(rival.values())), rival)


def _letters(experiments: Experiments) -> dict[str, str]:
    """a, b, ... for the experiments; numbers when there are more of them than letters."""
    many = len(experiments) > 26
    return {name: str(i + 1) if many else chr(ord("a") + i) for i, name in enumerate(experiments)}


def _describe_test(experiments: Experiments, compared: str) -> list[str]:
    first = next(iter(experiments.values()))
    test = first.splits["test"]
    if not test.n_pairs:
        return ["The test part is empty."]
    sentences = [first.note, f"Test: {test.n_pairs:,} pairs of {test.n_songs:,} {compared}."]
    seen = test.seen_in_train
    if seen:
        which = "of their texts, by words" if compared == "songs" else "of them by their words"
        of_texts = "" if seen.texts is None else f" ({seen.texts:.1%} {which})"
        sentences[-1] += (
            f" Train also holds {seen.pairs:.1%} of these pairs, in either direction, and "
            f"{seen.songs:.1%} of these {compared}{of_texts}."
        )
    if test.ranking:
        sentences.append(_describe_ranking(test.ranking))
    if test.ranking and first.target == "observable":
        share = 1 - test.ranking.n_listed / test.n_pairs
        sentences.append(
            f"{share:.1%} of the pairs are unlisted, with similarity 0: a constant gets most deciles right, "
            "so read those metrics beside its row."
        )
    return sentences


def _warnings(experiments: Experiments, warnings: Warnings | None) -> Sequence[str]:
    protocol = next(iter(experiments.values())).protocol
    return [f"Warning: {sentence}" for sentence in (warnings or {}).get(protocol, ())]


def _describe_ranking(counts: RankingCounts) -> str:
    """Describe the pairs and queries of the ranking metrics."""
    return (
        f"Of {counts.n_pairs:,} observable pairs there {counts.n_listed:,} are listed. Queries: "
        f"{counts.n_queries:,} songs with a list; {counts.n_left_out:,} more have one, but no listed "
        "or no unlisted song there, and are left out."
    )


def _list_missing_leads(experiments: Experiments) -> Sequence[str]:
    """Return a sentence for each experiment and baseline where a headline metric shows no lead."""
    lines = []
    for name, experiment in experiments.items():
        for baseline, rival in experiment.splits["test"].baselines.items():
            metrics = [
                f"{BY_NAME[metric].label} ({interval(rival[metric].difference, metric)})"
                for metric in _headline(experiment)
                if lead_mark(rival[metric].difference, metric)
            ]
            if metrics:
                lines.append(f"{name} is no better than {BASELINES[baseline].label} by {', '.join(metrics)}.")
    return lines


def interval(estimate: Estimate, name: str) -> str:
    """Format an estimate of metric `name` as "0.312 [0.118, 0.512]"; undefined is a dash."""
    value, low, high = (number(part, name) for part in (estimate.value, estimate.low, estimate.high))
    return value if estimate.low is None else f"{value} [{low}, {high}]"


def number(value: float | None, name: str) -> str:
    """Format a value of metric `name` by its digits; undefined is a dash."""
    return "–" if value is None else f"{value:.{BY_NAME[name].digits}f}"
