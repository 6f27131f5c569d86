"""Compare the working tree's results with a commit's (`make compare AGAINST=<commit>`), in Markdown.

Command: python pipelines/compare.py COMMIT
Reads dvc.lock, artifacts/headline.json and DVC's cache. Exits 0 whether or not anything differs.
"""

import argparse
import textwrap

from neuralist import console
from neuralist.config import params
from neuralist.revisions import report, revision


def main() -> None:
    """Read both revisions, and print how they differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("against", metavar="COMMIT", nargs="?", default="")
    args, cache = parser.parse_args(), revision.cache_folder()
    here, there = revision.of_working_tree(cache), revision.of_commit(args.against, cache)
    outdated = revision.changed_stages()
    if outdated:
        line = f"dvc.lock is not of this code and settings: `dvc repro` would run {', '.join(outdated)}."
        print(textwrap.fill(line, 100), end="\n\n")
    print(report.report(here, there, params.load().evaluate))


if __name__ == "__main__":
    console.run(main, "nothing was changed")
