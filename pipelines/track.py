"""Stage track: record each experiment and the study as runs in MLflow, where the store lacks them.

Command: python pipelines/track.py RAW ARTIFACTS
Runs at every `dvc repro`, since the store is no output of DVC's; it takes 0.2 s when the store is complete
and nothing was written to it, else the 3 s of importing mlflow.
"""

from neuralist import console
from neuralist.arguments import path_parser
from neuralist.tracking import pages, study_runs
from neuralist.tracking.runs import record


def main() -> None:
    """Record what is missing, and print the names and the addresses of the pages that show the runs."""
    args = path_parser(__doc__, ("raw", "artifacts")).parse_args()
    recorded = record(args.artifacts, args.raw)
    study = study_runs.record(args.artifacts / "study")
    for name in [*recorded, *([f"study {study}"] if study else [])]:
        print(f"{name}: recorded in MLflow")
    print(f"the runs, in `mlflow ui`: {pages.runs_page()}")
    for names, address in pages.compare_pages(args.artifacts, args.raw).items():
        print(f"{names}: {address}")


if __name__ == "__main__":
    console.run(main)
