"""Report in Markdown how two revisions differ: figures, counts, and which outs are equal byte by byte.

`here` is the working tree, `there` the commit it is compared with; a difference is here - there.
"""

import textwrap
import zipfile
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from neuralist.config import params
from neuralist.config.metric_table import HEADLINE
from neuralist.config.records import Estimate
from neuralist.evaluation import selection
from neuralist.files import read_json
from neuralist.revisions.differences import PairedDifferences, ScoredSplit, paired_differences
from neuralist.revisions.revision import Revision

WEIGHTS = "model.weights.h5"
# Prefixes of the paths whose contents are compared; of other files only the md5 is.
_READ = tuple(f"artifacts/{name}" for name in ("counts", "estimates", "metrics", "predictions"))
_REMEDY = (
    "What needs them is left out. To have them: `dvc pull` at that commit, or `dvc repro` there, in another "
    "clone that shares this cache (`dvc cache dir`)."
)
_PAIRED = (
    "A difference with a {level:.0%} interval is paired: of both sides' predictions for the same pairs with "
    "the same true similarity, under the same {draws:,} resamples of the songs; better or worse where the "
    "interval excludes 0. A row that repeats is matched as often as both have it."
)


def report(here: Revision, there: Revision, settings: params.Evaluate) -> str:
    """Return the comparison as Markdown.

    Args:
        here: the working tree.
        there: the commit it is compared with.
        settings: draws, seed and level of the intervals.
    """
    absent = [*_absent("here", here, there), *_absent("there", there, here)]
    lines = [*_filled(f"Here: {here.title}", "  "), *_filled(f"There: {there.title}", "  "), ""]
    lines += [*_filled(" ".join([*absent, _REMEDY])), ""] if absent else []
    lines += ["## Figures", "", *_figures(here, there, settings)]
    lines += ["## Counts", "", *_counts(here, there), "", "## Outs", "", *_outs(here, there)]
    return "\n".join(lines)


def _absent(name: str, side: Revision, other: Revision) -> Iterator[str]:
    """Yield sentences on what should be read and differs, but is not in the cache or in an old format."""
    missing = [
        path
        for path, out in side.outs.items()
        # A path of what is read may be on one side only: older commits have a file, newer ones a folder.
        if out != other.outs.get(path, None if path.startswith(_READ) else out)
        and (path.startswith(_READ) or out.md5.endswith(".dir"))
        and not side.cached(out.md5)
    ]
    if missing:
        yield f"Not in DVC's cache, of {name}: {', '.join(missing)}."
    if side.unread:
        yield f"Metrics that lack what they hold today, of {name}: {', '.join(side.unread)}."


def _figures(here: Revision, there: Revision, settings: params.Evaluate) -> Iterator[str]:
    """Yield each split in which a figure or prediction differs, names of the others, and the baselines."""
    whole = bool(here.metrics and there.metrics)
    own, other = (_values(one, two, whole=whole) for one, two in ((here, there), (there, here)))
    try:
        pairs = paired_differences(here, there, settings)
    except ValueError as error:  # an older commit's tables may have other columns
        pairs = {}
        yield from (*_filled(f"Predictions are not compared: {error}"), "")
    if pairs:
        yield from (*_filled(_PAIRED.format(level=settings.level, draws=settings.draws)), "")
    equal: dict[str, int] = {}
    for scored in dict.fromkeys([*own, *other]):
        name = f"{scored.experiment}, {scored.split}"
        if scored not in own or scored not in other:
            side, figures = ("here", own[scored]) if scored in own else ("there", other[scored])
            alone = ", ".join(f"{metric} {_number(entry)}" for metric, entry in figures.items())
            yield from (f"### {name} (only {side})", "", *_filled(alone), "")
        elif lines := list(_split(own[scored], other[scored], pairs.get(scored))):
            unpaired = pairs and scored not in pairs
            remark = " (protocol or target differs: not paired)" if unpaired else ""
            yield from (f"### {name}{remark}", "", *lines, "")
        else:
            equal[name] = len(own[scored])
    if equal:
        yield from _filled(f"All {sum(equal.values())} figures are equal in: {'; '.join(equal)}.")
        yield ""
    if whole:
        yield from (*_baselines(here, there), "")


def _values(side: Revision, other: Revision, *, whole: bool) -> dict[ScoredSplit, dict[str, Estimate]]:
    """Return estimates by split and metric: of headline.json, and if `whole`, all others.

    Else those that the other's headline.json has, which in older commits is of all experiments.
    """
    values: dict[ScoredSplit, dict[str, Estimate]] = {}
    for name, experiment in side.metrics.items() if whole else ():
        for split, measured in experiment.splits.items():
            values[ScoredSplit(name, split)] = dict(measured.metrics)
    for name in [] if whole else other.headline.keys() & side.metrics.keys():
        measured = side.metrics[name].splits["test"].metrics
        values[ScoredSplit(name, "test")] = {
            metric: Estimate(value=measured[metric].value, low=None, high=None)
            for metric in other.headline[name]
            if metric in measured
        }
    no_estimate = Estimate(value=None, low=None, high=None)
    for name, figures in side.headline.items():
        estimates = values.setdefault(ScoredSplit(name, "test"), {})
        for metric, value in figures.items():
            estimates[metric] = estimates.get(metric, no_estimate).model_copy(update={"value": value})
    return values


def _split(
    own: Mapping[str, Estimate], other: Mapping[str, Estimate], pairs: PairedDifferences | None
) -> Iterator[str]:
    """Yield a table of the main metrics that differ, then the others in words; nothing if all are equal."""
    names = list(dict.fromkeys([*own, *other]))
    differing = [name for name in names if _numbers(own.get(name)) != _numbers(other.get(name))]
    if not differing and not (pairs and (pairs.changed or pairs.only_here or pairs.only_there)):
        return
    yield from _filled(f"{_rows(pairs)}{len(names) - len(differing)} of {len(names)} figures are equal.")
    differences = pairs.differences if pairs else {}
    table = [
        [name, _number(own.get(name)), _number(other.get(name)), _difference(name, own, other, differences)]
        for name in HEADLINE
        # A prediction that moved by its last bits moves no figure.
        if name in differing or any(round(bound or 0, 6) for bound in _numbers(differences.get(name)))
    ]
    if table:
        yield from ("", *_table(["metric", "here", "there", "difference"], table))
    others = [f"{name} {_difference(name, own, other, {})}" for name in differing if name not in HEADLINE]
    if others:
        yield from ("", *_filled(f"Other metrics, here - there: {', '.join(others)}."))


def _rows(pairs: PairedDifferences | None) -> str:
    """Return a clause on how many predictions are compared and how many differ."""
    if pairs is None:
        return ""
    alone = [
        f"{n:,} only {side}" for n, side in ((pairs.only_here, "here"), (pairs.only_there, "there")) if n
    ]
    words = f"{pairs.shared:,} predictions of both sides" + (f" ({', '.join(alone)})" if alone else "")
    if not pairs.changed:
        return f"{words}, all equal; "
    return f"{words}, {pairs.changed:,} differ, by at most {pairs.largest:.2g}; "


def _difference(
    name: str, own: Mapping[str, Estimate], other: Mapping[str, Estimate], differences: Mapping[str, Estimate]
) -> str:
    """Return the paired difference with its interval if there is one, else the difference of the values."""
    if name in differences:
        difference = differences[name]
        if difference.low is None:
            return _signed(difference.value)
        verdict = {1: " better", -1: " worse"}.get(selection.shown_lead(difference, name) or 0, "")
        interval = f"[{_signed(difference.low)}, {_signed(difference.high)}]"
        return f"{_signed(difference.value)} {interval}{verdict}"
    here, there = (side[name].value if name in side else None for side in (own, other))
    if here == there:
        return "its interval alone"
    return "–" if here is None or there is None else _signed(here - there)


def _numbers(estimate: Estimate | None) -> list[float | None]:
    return [estimate.value, estimate.low, estimate.high] if estimate else [None] * 3


def _number(estimate: Estimate | None) -> str:
    value = estimate.value if estimate else None
    return "–" if value is None else f"{value:.6g}"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3g}" if value else "0"


def _baselines(here: Revision, there: Revision) -> Sequence[str]:
    """Return a sentence on which baselines' figures differ, for experiments that both revisions have."""
    both = here.metrics.keys() & there.metrics.keys()
    own, other = (
        {
            (baseline, name, split, metric): _numbers(figure)
            for name in sorted(both)
            for split, part in side.metrics[name].splits.items()
            for baseline, figures in part.baselines.items()
            for metric, figure in figures.items()
        }
        for side in (here, there)
    )
    differing = [key for key in {**own, **other} if own.get(key) != other.get(key)]
    named = f", those of: {', '.join(dict.fromkeys(key[0] for key in differing))}" if differing else ""
    equal = len({**own, **other}) - len(differing)
    return _filled(f"Baselines: {equal:,} figures are equal, {len(differing):,} differ{named}.")


def _counts(here: Revision, there: Revision) -> Iterator[str]:
    """Yield a table of the counts that differ: of songs, of rejects, and of what both revisions score."""
    both = here.metrics.keys() & there.metrics.keys()
    own, other = (_counted(side, both) for side in (here, there))
    if not own or not other:
        yield "Not compared: DVC's cache does not hold counts.json of both."
        return
    names = list(dict.fromkeys([*own, *other]))
    table = [
        [name, str(own.get(name, "–")), str(other.get(name, "–"))]
        for name in names
        if own.get(name) != other.get(name)
    ]
    yield f"{len(names) - len(table)} of {len(names)} counts are equal."
    if table:
        yield from ("", *_table(["count", "here", "there"], table))


def _counted(side: Revision, experiments: Set[str]) -> dict[str, Any]:
    counts: dict[str, Any] = {}
    for file in side.contents("artifacts/counts", ".json").values():
        counts |= _flat(read_json(file), "")
    for name in sorted(experiments):
        for split, part in side.metrics[name].splits.items():
            counts |= _flat(part.model_dump(exclude={"metrics", "baselines"}), f"{name}, {split}: ")
    return counts


def _flat(content: Mapping[str, Any], before: str) -> dict[str, Any]:
    """Return the values of nested mappings by their joined keys, each after the prefix `before`."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= _flat(value, f"{before}{key} / ") if isinstance(value, dict) else {before + key: value}
    return flat


def _outs(here: Revision, there: Revision) -> Iterator[str]:
    """Yield all outs by stage and state; for a folder that differs, the files that do."""
    groups: dict[str, list[str]] = {}
    for path, out in {**there.outs, **here.outs}.items():
        if path in here.outs and path in there.outs:
            state = "equal" if out.md5 == there.outs[path].md5 else "other bytes"
        else:
            state = "only here" if path in here.outs else "only there"
        inside = _inside(path, here, there) if state == "other bytes" else ""
        groups.setdefault(f"{out.stage}: {state}", []).append(path + inside)
    equal = sum(len(paths) for group, paths in groups.items() if group.endswith(": equal"))
    yield f"{equal} of {len({**there.outs, **here.outs})} outs are equal byte by byte."
    yield ""
    for group, paths in groups.items():
        yield from _filled(f"- {group}: {'; '.join(paths)}", "  ")


def _inside(path: str, here: Revision, there: Revision) -> str:
    """Return in brackets which files of a folder differ; empty for a file, or without the folder's list."""
    folder = f"{path}/"
    own, other = (
        {name.removeprefix(folder): md5 for name, md5 in side.files.items() if name.startswith(folder)}
        for side in (here, there)
    )
    if not own or not other:
        return ""
    equal = [name for name in own if own[name] == other.get(name)]
    differing = [
        name + _remark(own.get(name), other.get(name), here) for name in {**own, **other} if name not in equal
    ]
    return f" ({', '.join(differing)}; equal: {', '.join(equal) or 'none'})"


def _remark(own: str | None, other: str | None, side: Revision) -> str:
    """Return a remark on a file that differs, by its md5 here and there (None: missing), from one cache."""
    if own is None or other is None:
        return " only there" if own is None else " only here"
    files = [file for md5 in (own, other) if (file := side.cached(md5)) and zipfile.is_zipfile(file)]
    weights = [_weights(file) for file in files]
    # A saved model's config.json names modules: moved code changes the zip and not the weights.
    if len(weights) < 2 or None in weights:
        return ""
    return f" whose {WEIGHTS} {'is equal' if weights[0] == weights[1] else 'differs'}"


def _weights(file: Path) -> bytes | None:
    with zipfile.ZipFile(file) as model:
        return model.read(WEIGHTS) if WEIGHTS in model.namelist() else None


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table with columns as wide as their longest cell."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for cells in (head, ["-" * width for width in widths], *rows):
        padded = (f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True))
        yield f"| {' | '.join(padded)} |"


def _filled(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
