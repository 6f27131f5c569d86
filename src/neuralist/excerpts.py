"""What a message echoes of its input: people send megabytes."""

MOST = 100  # characters


def excerpt(text: str) -> str:
    """Return at most 100 characters of a text; the last three are "..." where it is cut."""
    return text if len(text) <= MOST else f"{text[: MOST - 3]}..."


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its type where it has none."""
    # str of an OSError that was given a path later is "[Errno None] None: path".
    args = error.args
    text = str(args[0]) if isinstance(error, OSError) and error.errno is None and args else str(error)
    return (text.strip().splitlines() or [type(error).__name__])[0]
