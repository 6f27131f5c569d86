"""Measure what this project promises, print it, and write benchmarks/results.json: `make bench`.

python -m benchmarks [served folder]
"""

import os
import sys
from pathlib import Path

from benchmarks import figures, serving


def main() -> int:
    """Run every benchmark; a missed target is a result, not an error."""
    served = Path(sys.argv[1] if len(sys.argv) > 1 else "artifacts/served")
    if not served.joinpath("served.json").is_file():
        print(f"error: no served model in {served}; run `make repro` first", file=sys.stderr)
        return 2
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start; {serving.ROUNDS} rounds")
    found = serving.measure(served)
    print(figures.table(found))
    figures.write(found, Path(__file__).with_name("results.json"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
