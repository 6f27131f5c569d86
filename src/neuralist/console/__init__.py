"""What a person sees of a stage: one line where input is at fault, a bar while it trains."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from neuralist.console.addresses import without_passwords


def run(main: Callable[[], None]) -> None:
    """Run a stage; a ValueError (bad input, by our convention) becomes one line on stderr and exit 1.

    So does the ConnectionAbortedError of a worker that is gone; see `neuralist.training.distributed.workers`.
    """
    try:
        main()
    except (ValueError, ConnectionAbortedError) as error:
        sys.exit(f"error: {without_passwords(str(error))}")


@contextmanager
def epochs(
    name: str, limit: int, after: Callable[[int, dict[str, float]], None]
) -> Iterator[Callable[[dict[str, float], tuple[int, int] | None], None]]:
    """Show a training of at most `limit` epochs; yields the `report` of `loop.fit`.

    The time left is that of the epoch limit: early stopping may end sooner. `after` gets the figures of each
    epoch when it is over.
    """
    with _bar() as bar:
        task = bar.add_task(name, total=limit, figures="")

        def report(record: dict[str, float], at: tuple[int, int] | None) -> None:
            figures = "  ".join(f"{key} {value:.4f}" for key, value in record.items() if key != "epoch")
            done = record["epoch"] - 1 + (at[0] / at[1] if at else 1)
            bar.update(task, completed=done, figures=figures)
            if not at:
                bar.console.print(
                    f"{name} epoch {record['epoch']}/{limit}  {figures}", highlight=False, soft_wrap=True
                )
                after(int(record["epoch"]), {key: value for key, value in record.items() if key != "epoch"})

        yield report


@contextmanager
def trials(name: str, total: int, epochs: int) -> Iterator[Callable[[list[dict[str, Any]], int], None]]:
    """Show a study of `total` trials of at most `epochs` each; yields the function that reports progress.

    It takes the rows of `search.trials` and the number of the trial that has just finished an epoch.
    """
    with _bar() as bar:
        task = bar.add_task(name, total=total, figures="")
        printed: set[int] = set()

        def report(rows: list[dict[str, Any]], number: int) -> None:
            finished = [row for row in rows if row["state"] not in ("waiting", "running")]
            running_share = sum(min(1, row["epochs"] / epochs) for row in rows if row["state"] == "running")
            status = f"{len(finished)}/{total} trials, trial {number} epoch {rows[number]['epochs']}/{epochs}"
            bar.update(task, completed=len(finished) + running_share, figures=status)
            for row in finished:
                if row["trial"] not in printed:
                    printed.add(row["trial"])
                    bar.console.print(_trial(row), highlight=False, markup=False, soft_wrap=True)

        yield report


def _bar() -> Progress:
    """A bar with its name before it, the field `figures` and the time left behind it; on a terminal only."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[figures]}"))
    return Progress(*columns, TimeRemainingColumn(), disable=not sys.stdout.isatty())


def _trial(row: dict[str, Any]) -> str:
    value = "" if row["value"] is None or row["value"] != row["value"] else f" {row['value']:.4f}"
    settings = {key: value for key, value in row.items() if key not in ("trial", "state", "value", "epochs")}
    chosen = "  ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in settings.items()
    )
    return f"trial {row['trial']} {row['state']}{value} after {row['epochs']} epochs: {chosen}"
