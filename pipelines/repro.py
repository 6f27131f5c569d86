"""Run `dvc repro` and show it in a line a stage, then the results on unseen songs and what to do next.

`make repro` calls it, in the checkout or in a workspace: python pipelines/repro.py
All that DVC and the stages print is added to work/repro.log; of a stage that fails it is printed. The exit
code is DVC's. Ctrl-C and SIGTERM end DVC and the stage with it.
"""

import sys
import time
from datetime import datetime
from pathlib import Path

from rich.console import Console

from neuralist import console, files
from neuralist.config import corpus, params, records
from neuralist.console import next_steps, pipeline
from neuralist.revisions import committed
from neuralist.tracking import pages

LOG = Path("work/repro.log")
ESTIMATES = Path("artifacts/estimates")


def main() -> None:
    """Run the pipeline, then print the results and the next commands; exits with DVC's code."""
    began = time.monotonic()
    width = None if sys.stdout.isatty() else pipeline.WIDTH
    screen = Console(width=width, highlight=False, markup=False, emoji=False)
    LOG.parent.mkdir(exist_ok=True)
    # A call with nothing to do must not take away what a stage said.
    with LOG.open("a", encoding="utf-8") as log, pipeline.progress(screen) as bars:
        log.write(f"--- {datetime.now():%Y-%m-%d %H:%M:%S}: dvc repro\n")
        view = pipeline.PipelineView(bars)
        code, stopped = pipeline.run_dvc(log, view)
        if code and not stopped and (mended := committed.mend(Path.cwd(), view.output)):
            print(mended)
            view.output.clear()
            code, stopped = pipeline.run_dvc(log, view)
    if stopped:
        print("Stopped. `make repro` goes on from here: a training after its last whole epoch.")
        sys.exit(128 + stopped)
    if code:
        print("\n".join(view.output))
        print(f"Failed. All that DVC and the stages said is in {_shown(LOG)}.")
        sys.exit(code)
    compared = None if files.workspace(Path.cwd()) else committed.describe(Path.cwd())
    seconds, first_step = f"{time.monotonic() - began:.0f} s", next_steps.READY[0].command
    if view.all_kept:
        change = "MLflow's store alone was changed" if view.wrote_to_store else "Nothing has changed"
        where = files.workspace(Path.cwd())
        then = f"Next, in {where}" if where else "Next"
        print(f"{change}: {view.kept} stages stand as they are ({seconds}). {then}: {first_step},")
        print(f"or mlflow ui and {pages.runs_page()}")
        if compared:
            print(compared)
    else:
        print(f"{len(view.ran)} stages ran, {view.kept} stand as they were ({seconds}).")
        if compared:
            print(compared)
        print("\n".join(["", *_results(), "", *_next()]))


def _results() -> list[str]:
    """Return the table of results on unseen songs."""
    # It imports what takes a second; a call with nothing to do needs none of it.
    from neuralist.evaluation import results

    evaluated = records.load_estimates(ESTIMATES)
    note = corpus.load(Path("artifacts/corpus.json")).note
    return results.unseen_tables(evaluated, params.load().evaluate.level, note)


def _next() -> list[str]:
    beside = pages.compare_pages(ESTIMATES.parent, Path("data"))
    workspace = files.workspace(Path.cwd())
    ready = next_steps.ready(workspace, params.model_name(Path("params.yaml")))
    ui = next_steps.Step("(cd ../.. && mlflow ui)" if workspace else "mlflow ui", "the runs, at")
    return [
        *next_steps.lines([*ready, ui], workspace),
        f"  {pages.runs_page()}",
        *(line for of, address in beside.items() for line in (f"  {of}, at", f"  {address}")),
        f"All results: {_shown('artifacts/results.html')}. All that the stages said: {_shown(LOG)}.",
    ]


def _shown(path: Path | str) -> Path:
    """Return a path as the checkout names it, from which `make repro` is called for a workspace, too."""
    return (files.workspace(Path.cwd()) or Path()) / path


if __name__ == "__main__":
    console.run(main, "`make repro` goes on from here")
