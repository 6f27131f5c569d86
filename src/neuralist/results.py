"""The metrics of all experiments as people read them: results.md, a table for the terminal, the headline.

Input: the metrics of `evaluation.evaluate`. Output: text; headline {experiment: {metric: number or None}}.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from neuralist import metrics, params
from neuralist.baselines import FROM_LYRICS

Found = Mapping[str, Any]
LABELS = {
    "decile_accuracy": "decile accuracy",
    "within_one_decile": "within one decile",
    "spearman": "Spearman",
    "mse": "MSE (lower is better)",
    "average_precision": "average precision",
    "roc_auc": "ROC AUC",
    "pearson": "Pearson",
    "binary_accuracy": "binary accuracy",
    "f1": "F1",
    "balanced_accuracy": "balanced accuracy",
    "nearest_tenth_accuracy": "nearest-tenth accuracy",
}
BASELINES = {
    "constant": "constant (train mean)",
    "commonest_class": "commonest class",
    "lookup": "look-up with song bias",
    "tfidf": "TF-IDF",
    "averaged_vectors": "averaged word vectors",
    "same_artist": "same artist*",
    "year_gap": "year gap*",
    "tags": "tags*",
    "artist_year_tags": "artist, year, tags*",
}
_EXPLANATION = """\
Each cell is a value on the test part and its {level:g} % interval from {draws:,} resamples of the songs.
Baselines are learned on the training part alone; those from lyrics read the same first words as the model.
A letter after a baseline's cell names an experiment whose lead over it is not shown: the interval of their
paired difference includes 0. A letter with ! says that the baseline is better, the interval excluding 0.
Deciles are tenths of similarity; binary accuracy cuts both sides at 0.5; F1 and balanced accuracy use each
predictor's best threshold on val. A * marks a baseline that is made from metadata, not from lyrics.
"""


def headline(found: Found) -> dict[str, dict[str, float | None]]:
    """Six numbers of each experiment on test; None where undefined."""
    return {
        experiment: {name: entry["splits"]["test"]["metrics"][name]["value"] for name in metrics.HEADLINE}
        for experiment, entry in found.items()
    }


def markdown(found: Found, settings: params.Evaluate, corpus_note: str = "") -> str:
    """results.md: a table for each protocol, and in words where no lead is shown.

    Args:
        found: metrics of all experiments.
        settings: how the intervals were made.
        corpus_note: what a reader must know of the corpus, such as that it is synthetic.
    """
    lines = ["# Results", ""]
    if corpus_note:
        lines += [f"**{corpus_note}**", ""]
    lines += [_EXPLANATION.format(level=100 * settings.level, draws=settings.draws)]
    for protocol, experiments in _by_protocol(found).items():
        lines += [f"## Protocol {protocol}", "", *_facts(experiments), ""]
        names = list(next(iter(experiments.values()))["splits"]["test"]["metrics"])
        lines += ["| | " + " | ".join(LABELS[name] for name in names) + " |", "|---" * (len(names) + 1) + "|"]
        for row in _rows(experiments):
            cells = [f"{interval(row.metrics[name], name)}{row.marks(name)}" for name in names]
            lines.append(f"| {row.label} | " + " | ".join(cells) + " |")
        lines += ["", *_no_lead(experiments), ""]
    return "\n".join(lines).rstrip() + "\n"


def printed(found: Found, corpus_note: str = "") -> str:
    """The headline metrics of experiments and baselines on test, in aligned columns for the terminal."""
    lines = [corpus_note, ""] if corpus_note else []
    for protocol, experiments in _by_protocol(found).items():
        lines += [f"protocol {protocol}", *(f"  {fact}" for fact in _facts(experiments))]
        rows = list(_rows(experiments))
        labels = [LABELS[name].split(" (")[0] for name in metrics.HEADLINE]
        width = max(len(row.label) for row in rows)
        lines.append("  " + " " * width + "".join(f"{label:>19}" for label in labels))
        for row in rows:
            cells = (
                f"{_number(row.metrics[name]['value'], name)}{row.marks(name):5}" for name in metrics.HEADLINE
            )
            lines.append(f"  {row.label:{width}}" + "".join(f"{cell:>19}" for cell in cells))
        lines.append("")
    lines.append(
        "(a): experiment a shows no lead over this baseline; (a!): the baseline is better; *: not lyrics"
    )
    return "\n".join(lines)


class _Row(NamedTuple):
    """A line of a table; for a baseline, letter of an experiment to the entries that hold its difference."""

    label: str
    metrics: Mapping[str, Any]
    differences: Mapping[str, Mapping[str, Any]]

    def marks(self, name: str) -> str:
        """The letters of experiments whose lead over this baseline is not shown, with ! where they trail."""
        verdicts = {
            letter: shown_lead(entry[name]["difference"], name) for letter, entry in self.differences.items()
        }
        marks = [
            letter + "!" * (lead < 0) for letter, lead in verdicts.items() if lead is not None and lead <= 0
        ]
        return f" ({','.join(marks)})" if marks else ""


def _by_protocol(found: Found) -> dict[str, dict[str, Any]]:
    protocols: dict[str, dict[str, Any]] = {}
    for name, entry in found.items():
        protocols.setdefault(entry["protocol"], {})[name] = entry
    return protocols


def _rows(experiments: Found) -> Iterator[_Row]:
    letters = _letters(experiments)
    tests = {name: entry["splits"]["test"] for name, entry in experiments.items()}
    for name, letter in letters.items():
        yield _Row(f"{letter} {name} ({experiments[name]['max_words']} words)", tests[name]["metrics"], {})
    for baseline, reads_lyrics in FROM_LYRICS.items():
        rivals: dict[Any, list[str]] = {}
        for name in (name for name, test in tests.items() if baseline in test["baselines"]):
            rivals.setdefault(experiments[name]["max_words"] if reads_lyrics else None, []).append(name)
        for max_words, names in rivals.items():
            entries = {letters[name]: tests[name]["baselines"][baseline] for name in names}
            label = BASELINES[baseline] + (f" ({max_words} words)" if max_words else "")
            yield _Row(label, next(iter(entries.values())), entries)


def _letters(experiments: Found) -> dict[str, str]:
    """a, b, ... for the experiments; numbers when there are more of them than letters."""
    many = len(experiments) > 26
    return {name: str(i + 1) if many else chr(ord("a") + i) for i, name in enumerate(experiments)}


def _facts(experiments: Found) -> list[str]:
    entry = next(iter(experiments.values()))
    test = entry["splits"]["test"]
    if not test["n_pairs"]:
        return ["The test part is empty."]
    seen = test["seen_in_train"]
    return [
        entry["note"],
        f"Test: {test['n_pairs']:,} pairs of {test['n_songs']:,} songs. Train also holds "
        f"{seen['pairs']:.1%} of these pairs, in either direction, and {seen['songs']:.1%} of these songs.",
    ]


def _no_lead(experiments: Found) -> Sequence[str]:
    """One line for each experiment and baseline where a headline metric shows no lead."""
    lines = []
    for name, entry in experiments.items():
        for baseline, rival in entry["splits"]["test"]["baselines"].items():
            parts = [
                f"{LABELS[metric].split(' (')[0]} ({interval(rival[metric]['difference'], metric)})"
                for metric in metrics.HEADLINE
                if (lead := shown_lead(rival[metric]["difference"], metric)) is not None and lead <= 0
            ]
            if parts:
                lines.append(f"- {name} is no better than {BASELINES[baseline]} by {', '.join(parts)}.")
    return lines


def shown_lead(difference: Mapping[str, Any], name: str) -> int | None:
    """1 where the interval shows the model ahead, -1 behind, 0 where it includes 0; None where undefined."""
    low, high = difference["low"], difference["high"]
    if low is None:
        return None
    sign = -1 if name in metrics.LOWER_IS_BETTER else 1
    return sign * (int(low > 0) - int(high < 0))


def interval(entry: Mapping[str, Any], name: str) -> str:
    """A figure {value, low, high} of metric `name` as "0.312 [0.118, 0.512]"; undefined is a dash."""
    value = _number(entry["value"], name)
    return (
        value
        if entry["low"] is None
        else f"{value} [{_number(entry['low'], name)}, {_number(entry['high'], name)}]"
    )


def _number(value: float | None, name: str) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if name == "mse" else f"{value:.3f}"
