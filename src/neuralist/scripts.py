"""What every stage script shares: one clear line instead of a traceback when the input is at fault."""

import sys
from collections.abc import Callable


def run(main: Callable[[], None]) -> None:
    """Run a stage; a ValueError (bad input, by our convention) becomes one line on stderr and exit 1."""
    try:
        main()
    except ValueError as error:
        sys.exit(f"error: {error}")
