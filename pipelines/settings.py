"""Stage settings: resolve params.yaml into a JSON file for each stage or experiment that trains.

Command: python pipelines/settings.py --corpus FILE --out FOLDER
A change in params.yaml reruns this stage, and then only the stages whose file changed.
"""

import neuralist.reproducible  # noqa: F401

from neuralist import console
from neuralist.arguments import path_parser
from neuralist.config import corpus, params, resolved


def main() -> None:
    """Resolve the params and write the files."""
    args = path_parser(__doc__, (), ("corpus", "out")).parse_args()
    settings = params.load()
    resolved.write(settings, corpus.load(args.corpus).epochs, args.out)
    study = f"the study of {settings.studied_experiment}" if settings.study.trials else "no study"
    print(f"settings of {', '.join(settings.run)}, {study}, the word vectors and pretraining")


if __name__ == "__main__":
    console.run(main)
