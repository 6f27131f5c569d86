"""What a person sees of a stage: one line where input is at fault, a bar while it trains."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralist.console import exits

if TYPE_CHECKING:
    from rich.progress import Progress


def run(main: Callable[[], None], goes_on: str = "") -> None:
    """Run a stage; what goes wrong becomes one line on stderr and an exit code, see `exits`.

    Args:
        main: of the stage.
        goes_on: what the line says where it is stopped, as long as nothing else is set.
    """
    exits.goes_on(goes_on or f"`dvc repro` runs stage {Path(sys.argv[0]).stem} again")
    with exits.one_line():
        main()


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

        exits.goes_on(f"the next call goes on with {name}, after its last whole epoch if there is one")

        def report(record: dict[str, float], at: tuple[int, int] | None) -> None:
            figures = "  ".join(f"{key} {value:.4f}" for key, value in record.items() if key != "epoch")
            done = record["epoch"] - 1 + (at[0] / at[1] if at else 1)
            bar.update(task, completed=done, figures=figures)
            if not at:
                exits.goes_on(f"the next call goes on with {name} after epoch {record['epoch']}/{limit}")
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
        exits.goes_on(f"the next call goes on with {name}, after its last whole epoch if there is one")

        def report(rows: list[dict[str, Any]], number: int) -> None:
            finished = [row for row in rows if row["state"] not in ("waiting", "running")]
            running_share = sum(min(1, row["epochs"] / epochs) for row in rows if row["state"] == "running")
            status = f"{len(finished)}/{total} trials, trial {number} epoch {rows[number]['epochs']}/{epochs}"
            bar.update(task, completed=len(finished) + running_share, figures=status)
            exits.goes_on(f"the next call goes on with {name} after {status}")
            for row in finished:
                if row["trial"] not in printed:
                    printed.add(row["trial"])
                    bar.console.print(_trial(row), highlight=False, markup=False, soft_wrap=True)

        yield report


def _bar() -> "Progress":
    """A bar with its name before it, the field `figures` and the time left behind it; on a terminal only."""
    # Not at the top: until this package is imported, Ctrl-C is answered by a traceback.
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

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


# Importing it is the first that a stage or command does, and the rest of its imports take seconds.
if exits.is_program():
    exits.install()
