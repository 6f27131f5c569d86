"""What every stage script shares: one clear line instead of a traceback when the input is at fault."""

import gc
import sys
from collections.abc import Callable


def run(main: Callable[[], None], *, freeze: bool = False) -> None:
    """Run a stage; a ValueError (bad input, by our convention) becomes one line on stderr and exit 1.

    So does the ConnectionAbortedError of a worker that is gone; see `neuralist.workers`. With `freeze` Python
    never looks for garbage among what is imported by now: in TensorFlow that takes it a second at the end.
    """
    if freeze:
        gc.freeze()
    try:
        main()
    except (ValueError, ConnectionAbortedError) as error:
        sys.exit(f"error: {error}")
