"""Copy measured results into docs/results, with their provenance: the one way figures reach the pages.

    python docs/collect.py folds unseen work/songs/work/splits/results.json   # of make splits, make variants
    python docs/collect.py metrics demo artifacts/estimates songs300 songs15  # of dvc repro: subject, others
    python docs/collect.py metrics study artifacts/estimates tuned songs300     # and counts of its trials
    python docs/collect.py translations across_languages result.json   # of neuralist translations --json
    python docs/collect.py faults faults work/faults/results.json   # of make test-faults

`command` and `data` stay as the file has them unless --command and --data say otherwise. So do `facts` for
prose that the results do not hold: their names are printed, to be measured or taken out by hand. Rows are
named by the experiment. Results of another checkout need --commit. Figures of `make bench` need none of this:
pages read benchmarks/results.json, which it writes.
"""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import provenance
from docs import figures

from neuralist.config import params
from neuralist.config.records import BestTrial, SplitMetrics, load
from neuralist.config.records.metrics import load_estimates
from neuralist.evaluation import results


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=("folds", "metrics", "translations", "faults"))
    parser.add_argument("name", help="of the file in docs/results")
    parser.add_argument("source", type=Path, help="what was measured")
    parser.add_argument(
        "experiments",
        nargs="*",
        help="of kind metrics: the subject, then others of its target",
    )
    parser.add_argument("--command", help="that measured it")
    parser.add_argument("--data", help="that it was measured on, with counts")
    parser.add_argument("--commit", help="that it was measured at; without it HEAD")
    return parser.parse_args()


def of_folds(source: Path) -> dict[str, Any]:
    """Return the averages of `make splits` or `make variants` as they are, and paired differences."""
    values = json.loads(source.read_text(encoding="utf-8"))
    differences = values.pop("differences", {})
    subject = next(row for row in values if row != "val" and not values[row]["lead"])
    return {"subject": subject, "values": values, "differences": differences}


def of_metrics(source: Path, names: list[str]) -> dict[str, Any]:
    """Return test metrics of experiments, and of the first one's baselines with its leads."""
    metrics = load_estimates(source)
    subject = metrics[names[0]]
    test = subject.splits["test"]
    values: dict[str, Any] = {
        name: {"mean": {key: one.model_dump() for key, one in metrics[name].splits["test"].metrics.items()}}
        for name in names
    }
    for baseline, estimates in test.baselines.items():
        values[results.baseline_label(baseline, subject)] = {
            "mean": {key: one.model_dump(exclude={"difference"}) for key, one in estimates.items()},
            "lead": {key: one.difference.model_dump() for key, one in estimates.items()},
        }
    facts = _counts(test) | (_of_study(source.with_name("study")) if names[0] == params.TUNED else {})
    return {"subject": names[0], "facts": facts, "values": values}


def of_translations(source: Path) -> dict[str, Any]:
    """Return metrics of all predictors, and in rows "predictor, languages" those by language pair."""
    content = json.loads(source.read_text(encoding="utf-8"))
    half, songs = content["half"], content["songs"]
    facts: dict[str, int | str] = {
        "texts": content["texts"],
        "candidates": content["candidates"],
        "half": half,
        "songs": songs.get(half, sum(songs.values())),
        **{f"songs {name}": count for name, count in songs.items()},
        **{f"queries {languages}": count for languages, count in content["queries"].items()},
        **{f"unread {name}": len(texts) for name, texts in content["unread"].items()},
    }
    values = {
        name if languages == "all" else f"{name}, {languages}": measured
        for name, by_languages in content["predictors"].items()
        for languages, measured in by_languages.items()
    }
    return {"subject": content["subject"], "facts": facts, "values": values}


# What a kind of `make test-faults` does, as the page names it.
FAULTS = {
    "kill": "kill -9, then the same call again",
    "stop": "Ctrl-C or SIGTERM, then the same call again",
    "corrupt": "a raw folder is damaged",
    "disk": "the disk fills up",
    "fuzz": "odd requests to the server",
    "bomb": "small requests that grow large",
    "idle": "connections that never finish",
    "soak": "four clients for long",
}


def of_faults(source: Path) -> dict[str, Any]:
    """Return the counts of `make test-faults`, with where they come from."""
    results = json.loads(source.read_text(encoding="utf-8"))
    rows = [
        [
            FAULTS[kind],
            *(results[kind][outcome] for outcome in ("tried", "recovered", "refused", "wrong")),
            f"{'full' if results[kind]['full'] else 'sample'}, seed {results[kind]['seed']}",
            results[kind]["commit"],
            results[kind]["date"],
        ]
        for kind in FAULTS
        if kind in results
    ]
    latest = max(results.values(), key=lambda of_kind: of_kind["date"])
    return {
        **{key: latest[key] for key in ("date", "processor", "commit")},
        "command": "make test-faults",
        "data": "The demo, and raw folders made from seeds",
        "columns": ["", "tried", "recovered", "refused in one line", "wrong", "run", "commit", "date"],
        "rows": rows,
    }


def _of_study(folder: Path) -> dict[str, int | str]:
    """Return how many trials a study had, and how many it took to beat the experiment's own settings."""
    best = load(folder / "best.yaml", BestTrial)
    states = pd.read_csv(folder / "trials.csv")["state"]
    values = {best.metric: best.value, f"{best.metric}_before": best.own_value}
    return {
        "trials": len(states),
        "complete": int((states == "complete").sum()),
        "pruned": int((states == "pruned").sum()),
        "epochs": best.params["epochs"],
        "best_trial": best.trial,
        "first_better": "none" if best.first_better is None else best.first_better,
        **{name: f"{value:.3f}" for name, value in values.items() if value is not None},
    }


def _counts(test: SplitMetrics) -> dict[str, int | str]:
    counts: dict[str, int | str] = {"pairs": test.n_pairs, "songs": test.n_songs}
    if test.ranking is not None:
        counts |= {
            "queries": test.ranking.n_queries,
            "listed": test.ranking.n_listed,
            "unlisted": test.ranking.n_pairs - test.ranking.n_listed,
        }
    if test.seen_in_train is not None:
        counts |= {
            "repeat_pair": f"{100 * test.seen_in_train.pairs:.1f} %",
            "seen_songs": f"{100 * test.seen_in_train.songs:.1f} %",
        }
        if test.seen_in_train.texts is not None:
            counts["seen_texts"] = f"{test.seen_in_train.texts:.1%}"
    return counts


def origin(before: dict[str, Any], args: argparse.Namespace) -> dict[str, str]:
    """Return where and when the figures were measured.

    Raises:
        ValueError: it is not known by which command or on which data.
    """
    text = {"command": args.command or before.get("command"), "data": args.data or before.get("data")}
    for key, given in text.items():
        if not given:
            raise ValueError(f"a new result file, {key} unknown; give --{key}")
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": str(provenance.this_processor()),
        "commit": args.commit or provenance.commit(),
        **{key: str(given) for key, given in text.items()},
    }


def main() -> None:
    """Write docs/results/<name>.json."""
    args = parse()
    path = figures.RESULTS / f"{args.name}.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    measured = {
        "folds": lambda: of_folds(args.source),
        "metrics": lambda: of_metrics(args.source, args.experiments),
        "translations": lambda: of_translations(args.source),
        "faults": lambda: of_faults(args.source),
    }[args.kind]()
    computed = measured.pop("facts", {})
    kept = {key: fact for key, fact in before.get("facts", {}).items() if key not in computed}
    if kept:
        print(f"{path.name}: kept from before, check them: {', '.join(kept)}")
    # Counts of faults say themselves where they come from, and have no other facts.
    from_where = {} if args.kind == "faults" else origin(before, args) | {"facts": kept | computed}
    content = from_where | measured
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
