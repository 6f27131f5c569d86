"""Stage package: write the best experiment on val as one folder to serve from, with its model card.

Command: python pipelines/package.py SONGS PAIRS CATALOGUE EXPERIMENTS \
    --corpus FILE --estimates FOLDER --out FOLDER
CATALOGUE is the table of stage catalogue: what is recommended. SONGS and PAIRS are those of the training.
Where every experiment is under protocol paper nothing is served, and only card.md is written, which says so.
"""

import neuralist.reproducible  # noqa: F401

import shutil

from neuralist import console, files
from neuralist.arguments import path_parser
from neuralist.config import params, records
from neuralist.evaluation import selection
from neuralist.serving import package


def main() -> None:
    """Choose the experiment, and write the folder."""
    parser = path_parser(
        __doc__, ("songs", "pairs", "catalogue", "experiments"), ("corpus", "estimates", "out")
    )
    args, settings = parser.parse_args(), params.load()
    experiments = records.load_estimates(args.estimates)
    metric = selection.resolve_metric(experiments, settings.registration.metric)
    name = selection.best(experiments, metric)
    shutil.rmtree(args.out, ignore_errors=True)  # as DVC does: no file of another choice stays
    if name is None:
        reason = package.explain_unserved(experiments, metric)
        files.write_text(args.out / "card.md", reason)
        print(reason, end="")
        return
    inputs = package.Inputs(args.songs, args.pairs, args.catalogue, args.corpus)
    source, level = args.experiments / name, settings.evaluate.level
    genre_lists = settings.songs.genres
    served = package.pack(
        source, experiments[name], inputs, args.out, metric=metric, level=level, genre_lists=genre_lists
    )
    print(
        f"{name} is packed to serve: the best on val by {metric}, {served.value.value:.3f}; "
        f"beats its baselines: {'yes' if served.beats_baselines else 'not shown'}"
    )


if __name__ == "__main__":
    console.run(main)
