"""Render the measured figures that pages name, from docs/results/*.json.

A page holds no result: {{ value("unseen", "lyrics", "listed_auc") }} stands there, and `make docs` fails on
a name that no file holds. Each file says its date, processor, commit, command, data and `facts` (counts and
single numbers), and holds one of

    values          row to `mean`, `lead` (subject - row) and `each` (one number a training) of metrics: the
                    form of results.json of `make splits`, which `collect.py` copies; beside them
                    `differences`, "row - other row" to the paired difference of metrics
    benchmarks      figure to its entry of benchmarks/results.json
    columns, rows   any other table, cell by cell
"""

import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jinja2

from neuralist.config.metric_table import BY_NAME
from neuralist.config.records import Estimate
from neuralist.evaluation import results
from neuralist.evaluation.selection import shown_lead

DOCS = Path(__file__).resolve().parent
RESULTS = DOCS / "results"
HEADLINE = DOCS.parent / "artifacts" / "headline.json"
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


def names() -> list[str]:
    """Return the names of all result files."""
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


def headline() -> str:
    """Return artifacts/headline.json, the demo's test figures as the pipeline commits them, as a table."""
    content = json.loads(HEADLINE.read_text(encoding="utf-8"))
    columns = list(dict.fromkeys(metric for entry in content.values() for metric in entry))
    columns.sort(key=list(BY_NAME).index)
    cells = [
        [row, *(results.number(entry[one], one) if one in entry else "" for one in columns)]
        for row, entry in content.items()
    ]
    return _markdown(["experiment", *(BY_NAME[one].heading for one in columns)], cells)


def benchmarks(name: str, rows: dict[str, str]) -> str:
    """Return a table of benchmark figures.

    Args:
        name: of the result file.
        rows: a figure's name in results.json to its name on the page.
    """
    entries = {label: lookup(name, "benchmarks", key) for key, label in rows.items()}
    compared = any(entry["peer"] is not None for entry in entries.values())
    cells = [
        [
            label,
            _rounds(entry["ours"], entry["spread"], entry["unit"]),
            *([_peer(entry), "" if entry["ratio"] is None else f"{entry['ratio']:.3g}"] if compared else []),
            entry.get("target", "") or "",
        ]
        for label, entry in entries.items()
    ]
    return _markdown(
        ["", "measured", *(["beside it", "ratio"] if compared else []), "wanted"], cells
    ) + source(name)


def ratios(name: str) -> str:
    """Return a table of a file's benchmark figures "group: column, row": the peer's rates, then ratios."""
    by_row: dict[str, dict[str, Any]] = {}
    for figure, entry in lookup(name, "benchmarks").items():
        column, _, row = figure.partition(": ")[2].rpartition(", ")
        by_row.setdefault(row, {})[column] = entry
    columns = next(iter(by_row.values()))
    lines = [["plain", *(f"{_plain(entry['peer'])} {entry['unit']}" for entry in columns.values())]]
    lines += [
        [row, *(f"{of_row[column]['ratio']:.2f}" for column in columns)] for row, of_row in by_row.items()
    ]
    return _markdown(["", *columns], lines) + source(name)


def measured(name: str, figure: str) -> str:
    """Return a benchmark figure with its unit and spread."""
    entry = lookup(name, "benchmarks", figure)
    return _rounds(entry["ours"], entry["spread"], entry["unit"])


def _peer(entry: dict[str, Any]) -> str:
    if entry["peer"] is None:
        return ""
    rounds = _rounds(entry["peer"], entry.get("peer_spread") or [entry["peer"]] * 2, entry["unit"])
    return " ".join(filter(None, [entry.get("peer_name"), rounds]))


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
        headline,
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
