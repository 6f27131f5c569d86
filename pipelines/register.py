"""Stage register: register artifacts/served in MLflow, as champion where its lead is shown.

Command: python pipelines/register.py RAW ARTIFACTS [--replace]
Where another model is champion, it gets the songs of the catalogue.
Runs at every `dvc repro`, since the store is no output of DVC's; it takes 0.2 s when nothing is to be done
and nothing was written to the store, else the 3 s of importing mlflow.
"""

from neuralist import console
from neuralist.arguments import path_parser
from neuralist.tracking import catalogue_version, registry


def main() -> None:
    """Register the packed model, bring the catalogue to the champion, and print the outcome."""
    parser = path_parser(__doc__, ("raw", "artifacts"))
    parser.add_argument("--replace", action="store_true", help="make it champion unmeasured")
    args = parser.parse_args()
    print(registry.register(args.artifacts, args.raw, replace=args.replace))
    renewed = catalogue_version.renew(args.artifacts, args.raw)
    if renewed:
        print(renewed)


if __name__ == "__main__":
    console.run(main)
