"""Render the measured figures that pages name, from docs/results/*.json and benchmarks/results.json.

A page holds no result: {{ value("unseen", "lyrics", "listed_auc") }} stands there, and `make docs` fails on
a name that no file holds. Each file of docs/results says its date, processor, commit, command, data and
`facts` (counts and single numbers), and holds one of

    values          row to `mean`, `lead` (subject - row) and `each` (one number a training) of metrics: the
                    form of results.json of `make splits`, which `collect.py` copies; beside them
                    `differences`, "row - other row" to the paired difference of metrics
    columns, rows   any other table, cell by cell

benchmarks/results.json holds a row of figures for each processor, as `make bench` writes it.
"""

import functools
import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from benchmarks.figures import reached
from benchmarks.provenance import Processor
from benchmarks.results import PATH as BENCHMARKS
from benchmarks.results import Group, Measured, Row
from benchmarks.results import load as load_rows

from neuralist.config.metric_table import BY_NAME
from neuralist.config.records import Estimate
from neuralist.evaluation import results
from neuralist.evaluation.selection import shown_lead

DOCS = Path(__file__).resolve().parent
RESULTS = DOCS / "results"
KEPT = "\u00a0"  # a space that breaks no line: an interval stays whole in a narrow cell
PROVENANCE = ("date", "processor", "commit", "command", "data")


@functools.cache
def load(name: str) -> dict[str, Any]:
    """Return the content of docs/results/<name>.json.

    Raises:
        ValueError: the file is missing, or does not say where its figures come from.
    """
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        raise ValueError(f"no docs/results/{name}.json; there are {', '.join(names())}")
    content = json.loads(path.read_text(encoding="utf-8"))
    missing = [key for key in PROVENANCE if not content.get(key)]
    if missing:
        raise ValueError(
            f"docs/results/{name}.json: {', '.join(missing)} missing; say where the figures are from"
        )
    return content


def load_benchmarks() -> list[Row]:
    """Return the rows of benchmarks/results.json."""
    return load_rows(BENCHMARKS)


def names() -> list[str]:
    """Return the names of all files in docs/results."""
    return sorted(path.stem for path in RESULTS.glob("*.json"))


def lookup(name: str, *keys: str) -> Any:
    """Return what a result file holds under nested keys.

    Raises:
        ValueError: a key is missing.
    """
    node = load(name)
    for depth, key in enumerate(keys):
        if not isinstance(node, dict) or key not in node:
            where = " > ".join([f"docs/results/{name}.json", *keys[:depth]])
            there = ", ".join(map(str, node)) if isinstance(node, dict) else "a plain value"
            raise ValueError(f"{where}: no {key!r} there, but {there}")
        node = node[key]
    return node


def fact(name: str, key: str) -> str:
    """Return a count or a single number."""
    return _plain(lookup(name, "facts", key))


def number(name: str, row: str, metric: str, kind: str = "mean") -> str:
    """Return a metric without its interval."""
    return results.number(lookup(name, "values", row, kind, metric, "value"), metric)


def value(name: str, row: str, metric: str, kind: str = "mean") -> str:
    """Return a metric with its interval."""
    return _interval(lookup(name, "values", row, kind, metric), metric)


def on_val(name: str) -> str:
    """Return the listed AUC of a table's subject on validation songs, which has no interval there."""
    return results.number(lookup(name, "values", "val", lookup(name, "subject")), "listed_auc")


def lead(name: str, row: str, metric: str) -> str:
    """Return by how much the subject of a table leads over a row, with its interval."""
    return value(name, row, metric, "lead")


def difference(name: str, row: str, other: str, metric: str) -> str:
    """Return the paired difference row - other row of a metric, with its interval."""
    return _interval(lookup(name, "differences", f"{row} - {other}", metric), metric)


def table(name: str, columns: Sequence[str], rows: Sequence[str] | None = None) -> str:
    """Return a table of metrics in Markdown, with a line that says where it comes from.

    A mark stands behind a baseline's lead, or behind its value where the table has no column of that lead.

    Args:
        name: of the result file.
        columns: a metric, or metric.lead, metric.each.
        rows: all of the file without it.
    """
    subject = lookup(name, "subject")
    shown = list(lookup(name, "values")) if rows is None else rows
    lines = [
        [f"**{row}**" if row == subject else row, *(_cell(name, row, column, columns) for column in columns)]
        for row in shown
        if row != "val"
    ]
    return _markdown(["", *(_heading(column, subject) for column in columns)], lines) + source(name)


def _cell(name: str, row: str, column: str, columns: Sequence[str]) -> str:
    metric, _, kind = column.partition(".")
    entry = lookup(name, "values", row)
    if kind == "each":
        return KEPT.join(results.number(one, metric) for one in entry.get("each", {}).get(metric, []))
    if kind == "lead":
        return value(name, row, metric, "lead") + _mark(entry, metric) if entry.get("lead") else ""
    is_marked = entry.get("lead") and f"{metric}.lead" not in columns
    return value(name, row, metric) + (_mark(entry, metric) if is_marked else "")


def _mark(entry: dict[str, Any], metric: str) -> str:
    """Return ~ where the interval of the lead includes 0, ! where the subject is worse, else nothing."""
    marks = {-1: f"{KEPT}!", 0: f"{KEPT}~", 1: "", None: ""}
    return marks[shown_lead(Estimate.model_validate(entry["lead"][metric]), metric)]


def _heading(column: str, subject: str) -> str:
    metric, _, kind = column.partition(".")
    return {
        "": BY_NAME[metric].heading,
        "each": f"{BY_NAME[metric].label}, each training",
        "lead": f"{subject} leads by",
    }[kind]


def benchmarks(rows: dict[str, str]) -> str:
    """Return a table of figures of `make bench`: a column for each processor, and what is wanted of all.

    Args:
        rows: a figure, "group: name", to its name on the page.

    Raises:
        ValueError: a figure was measured nowhere.
    """
    by_label = {label: _on_each(figure) for figure, label in rows.items()}
    there = _processors(by_label.values())
    wanted = [_verdict(on_each) for on_each in by_label.values()]
    lines = [
        [label, *(_compared(on_each[one].figure) if one in on_each else "" for one in there), verdict]
        for (label, on_each), verdict in zip(by_label.items(), wanted, strict=True)
    ]
    head = ["", *map(_name, there), "wanted"]
    if not any(wanted):
        head, lines = head[:-1], [line[:-1] for line in lines]
    return _markdown(head, lines) + _origin(by_label.values())


def ratios(group: str) -> str:
    """Return a table of a group's figures "column, row" on each processor: the peer's rates, then ratios."""
    named = [row.groups[group].figures for row in load_benchmarks() if group in row.groups]
    on_each = {name: _on_each(f"{group}: {name}") for name in dict.fromkeys(itertools.chain(*named))}
    cells = {
        (name.rpartition(", ")[2], name.rpartition(", ")[0], processor): one.figure
        for name, measurements in on_each.items()
        for processor, one in measurements.items()
    }
    there = _processors(on_each.values())
    columns = [
        (one, processor) for one in dict.fromkeys(column for _, column, _ in cells) for processor in there
    ]
    peers = {(column, processor): figure for (_, column, processor), figure in cells.items()}
    lines = [
        [next(iter(cells.values())).peer_name or "", *(_rate(peers.get(where)) for where in columns)],
        *(
            [label, *(_ratio(cells.get((label, *where))) for where in columns)]
            for label in dict.fromkeys(label for label, _, _ in cells)
        ),
    ]
    head = ["", *(f"{column}<br>{_name(processor)}" for column, processor in columns)]
    return _markdown(head, lines) + _origin(on_each.values())


def measured(figure: str) -> str:
    """Return a figure of `make bench`, "group: name", with its unit and spread, as it was measured last."""
    newest = _newest(_on_each(figure)).figure
    return _rounds(newest.ours, newest.spread, newest.unit)


class _Measurement(NamedTuple):
    """A figure on one processor, its group's name, and the run that it is from."""

    figure: Measured
    group: str
    run: Group


def _on_each(figure: str) -> dict[Processor, _Measurement]:
    """Return a figure by processor, where it was measured.

    Raises:
        ValueError: it was measured nowhere.
    """
    group, _, name = figure.partition(": ")
    runs = {row.processor: row.groups[group] for row in load_benchmarks() if group in row.groups}
    on_each = {
        processor: _Measurement(run.figures[name], group, run)
        for processor, run in runs.items()
        if name in run.figures
    }
    if not on_each:
        there = ", ".join(dict.fromkeys(itertools.chain(*(run.figures for run in runs.values()))))
        raise ValueError(f"benchmarks/results.json: no {figure!r} there, but of {group} {there or 'nothing'}")
    return on_each


def _newest(on_each: dict[Processor, _Measurement]) -> _Measurement:
    return max(on_each.values(), key=lambda one: one.run.age)


def _processors(figures: Iterable[dict[Processor, _Measurement]]) -> list[Processor]:
    """Return the processors on which any of the figures was measured, in the order of results.json."""
    there = set(itertools.chain(*figures))
    return [row.processor for row in load_benchmarks() if row.processor in there]


def _name(processor: Processor) -> str:
    """Return how a table calls a processor: with its flags where another one is called the same."""
    same = [row for row in load_benchmarks() if str(row.processor) == str(processor)]
    return str(processor) if len(same) == 1 else f"{processor} ({_flags(processor)})"


def _flags(processor: Processor) -> str:
    return "flags not recorded" if processor.flags is None else ", ".join(processor.flags) or "none"


def _verdict(on_each: dict[Processor, _Measurement]) -> str:
    """Return the newest target of a figure, and whether it holds on every processor."""
    target = _newest(on_each).figure.target
    if target is None:
        return ""
    met = {
        _name(processor): reached(target, one.figure.ours, one.figure.ratio)
        for processor, one in on_each.items()
    }
    missed = [name for name, is_met in met.items() if is_met is False]
    if missed:
        return f"{target}: missed ({'; '.join(missed)})"
    return f"{target}: {'met' if any(met.values()) else 'not measured'}"


def _compared(figure: Measured) -> str:
    """Return a cell: ours and, on lines of their own, the peer and the ratio."""
    lines = [_rounds(figure.ours, figure.spread, figure.unit)]
    if figure.peer is not None:
        beside = _rounds(figure.peer, figure.peer_spread or (figure.peer, figure.peer), figure.unit)
        lines.append(f"{figure.peer_name} {beside}")
    if figure.ratio is not None:
        lines.append(f"ratio {figure.ratio:.3g}")
    return "<br>".join(lines)


def _rate(figure: Measured | None) -> str:
    return "" if figure is None or figure.peer is None else f"{_plain(figure.peer)} {figure.unit}"


def _ratio(figure: Measured | None) -> str:
    return "" if figure is None or figure.ratio is None else f"{figure.ratio:.2f}"


def _origin(figures: Iterable[dict[Processor, _Measurement]]) -> str:
    """Return the line under a table: the command and, for each processor, its flags, data, day and commit."""
    runs = {(one.group, processor): one.run for on_each in figures for processor, one in on_each.items()}
    groups = " ".join(dict.fromkeys(group for group, _ in runs))
    on = [
        f"{processor} ({_flags(processor)}): "
        + ", ".join(filter(None, [run.data, run.date, f"commit {run.commit}."]))
        for (_, processor), run in runs.items()
    ]
    text = f"Measured by `python -m benchmarks {groups}`. {' '.join(on)}"
    return f"\n\n:::{{container}} source\n\n{text}\n\n:::\n"


def _rounds(middle: float, spread: Sequence[float], unit: str) -> str:
    low, high = spread
    rounds = f" ({_plain(low)} to {_plain(high)})".replace(" to ", f"{KEPT}to{KEPT}")
    return f"{_plain(middle)} {unit}".rstrip() + (rounds if low != high else "")


def cells(name: str) -> str:
    """Return a table that its file holds cell by cell."""
    rows = [[_plain(cell) for cell in row] for row in lookup(name, "rows")]
    return _markdown(lookup(name, "columns"), rows, kind="figures long") + source(name)


def cell(name: str, row: str, column: str) -> str:
    """Return a cell of a table that its file holds cell by cell.

    Args:
        name: of the result file.
        row: what stands in the row's first cell.
        column: the column's heading.

    Raises:
        ValueError: there is no such row or column.
    """
    of_row = {
        cells[0]: dict(zip(lookup(name, "columns"), cells, strict=True)) for cells in lookup(name, "rows")
    }
    for asked, there in ((row, of_row), (column, lookup(name, "columns"))):
        if asked not in there:
            raise ValueError(f"docs/results/{name}.json: no {asked!r} in its table, but {', '.join(there)}")
    return _plain(of_row[row][column])


def source(name: str) -> str:
    """Return the line under a table: its data, command, date, commit and processor."""
    content = load(name)
    text = "{data}. Measured by `{command}`, {date}, commit {commit}. Processor: {processor}."
    return f"\n\n:::{{container}} source\n\n{text.format(**content)}\n\n:::\n"


def processors() -> str:
    """Return which processor each result file is from."""
    rows = [[f"`{name}.json`", load(name)["processor"], load(name)["date"]] for name in names()]
    for row in load_benchmarks():
        dates = dict.fromkeys(group.date for group in row.groups.values())
        rows.append(["`benchmarks/results.json`", str(row.processor), ", ".join(dates)])
    return _markdown(["results", "processor", "date"], rows)


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "figures") -> str:
    """Return a table in a box of a class: cells of figures stay on a line (_static/pages.css)."""
    lines = [head, ["---"] * len(head), *rows]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"\n:::{{container}} {kind}\n\n{table}\n\n:::"


def _interval(estimate: dict[str, Any], metric: str) -> str:
    middle, low, high = (results.number(estimate[key], metric) for key in ("value", "low", "high"))
    # A constant has no interval worth two equal ends.
    if {low, high} <= {middle, results.number(None, metric)}:
        return middle
    return f"{middle} [{low},{KEPT}{high}]"


def _plain(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) or value != int(value) else f"{int(value):,}"


NAMES: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        fact,
        number,
        value,
        on_val,
        lead,
        difference,
        table,
        benchmarks,
        ratios,
        measured,
        cell,
        cells,
        source,
        processors,
    )
}


def render(page: str, source_text: str) -> str:
    """Return a page's source with its figures in place.

    Raises:
        ValueError: it names a figure that is not there.
    """
    # Neither of Jinja's other delimiters may begin by chance, in JSON or in a heading's {#name}.
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        block_start_string="{%%",
        comment_start_string="{##",
        autoescape=False,
    )
    try:
        return environment.from_string(source_text).render(NAMES)
    except (ValueError, TypeError, jinja2.TemplateError) as error:
        raise ValueError(f"docs/{page}.md: {error}") from error
