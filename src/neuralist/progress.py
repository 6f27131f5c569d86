"""What a person sees of a training: a bar with the loss and the time left, and a line an epoch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def epochs(
    name: str, limit: int, after: Callable[[int, dict[str, float]], None]
) -> Iterator[Callable[[dict[str, float], tuple[int, int] | None], None]]:
    """Show a training of at most `limit` epochs; yields the `report` of `training.fit`.

    The time left is that of the epoch limit: early stopping may end sooner. `after` gets the figures of each
    epoch when it is over.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as bar:
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
