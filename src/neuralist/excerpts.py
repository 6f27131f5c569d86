"""What a message echoes of its input: people send megabytes."""

MOST = 100  # characters


def excerpt(text: str) -> str:
    """Return at most 100 characters of a text; the last three are "..." where it is cut."""
    return text if len(text) <= MOST else f"{text[: MOST - 3]}..."
